using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using StreamApi.Security;

namespace StreamApi.Events;

/// <summary>Publishes NDJSON, one event per line, in batches, without holding the request in memory. The lines before
/// the first invalid one are kept, and the response names that line.</summary>
internal sealed class NdjsonPublish(
    IEventLog log,
    RequestBudget budget,
    IOptions<EventsOptions> options,
    IOptions<EventStoreOptions> store,
    TimeProvider clock
)
{
    /// <summary>Maximum events of a request, because the response lists them: some 13 MB.</summary>
    private const int MaxEvents = 100_000;

    /// <summary>Bytes of memory that a stored event uses until the response is sent.</summary>
    private const int AnswerBytes = 128;

    /// <summary>Bytes that wait only of a long line: the server receives 64 kB, and a little more, at once.</summary>
    private const int LongBytes = 256 * 1024;

    /// <summary>Bytes that a blank line costs beside its own: one client's blank lines at the budget's rate would keep
    /// most of a processor busy.</summary>
    private const int BlankLineBytes = 64;

    /// <summary>Time after which a store may answer again.</summary>
    private static readonly TimeSpan OutageDelay = TimeSpan.FromSeconds(2);

    private static readonly Refusal Outage = new(
        "body",
        "Postgres does not answer, or too many requests wait for it. This line and later ones may be stored or not: "
            + "send them again, with the same id if they have one.",
        StatusCodes.Status503ServiceUnavailable,
        "Event store unavailable"
    );

    public async Task PublishAsync(HttpContext context) => await (await AnswerAsync(context)).ExecuteAsync(context);

    private async Task<IResult> AnswerAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;

        var batchBytes = Math.Min(options.Value.NdjsonBatchBytes, store.Value.MaxBatchBytes);
        var batch = new NdjsonBatch(log, budget, clock, context, batchBytes);

        try
        {
            var refusal = await TryAddLinesAsync(context, batch);
            await batch.FlushAsync();
            return refusal is null
                ? TypedResults.Accepted((string?)null, Published.Of(batch.Stored))
                : Refused(batch, refusal);
        }
        catch (EventConflictException e)
        {
            return Refused(batch, new Refusal("id", e.Message, StatusCodes.Status409Conflict));
        }
        catch (Exception e) when (StoreUnavailableException.Is(e))
        {
            context.SetRetryAfter(OutageDelay);
            return Refused(batch, Outage);
        }
    }

    /// <summary>Adds the lines before the first refused one, and returns its refusal, or null if there is
    /// none.</summary>
    private async Task<Refusal?> TryAddLinesAsync(HttpContext context, NdjsonBatch batch)
    {
        try
        {
            await AddLinesAsync(context, batch);
            return null;
        }
        catch (BadHttpRequestException e)
        {
            return Refusal.Of(JsonRequest.CutOff(e));
        }
        catch (InvalidRequestException e)
        {
            return Refusal.Of(e);
        }
        catch (RefusedException e)
        {
            if (e.RetryAfter is { } delay)
                context.SetRetryAfter(delay);
            return new Refusal("body", e.Message, e.Status);
        }
    }

    private async Task AddLinesAsync(HttpContext context, NdjsonBatch batch)
    {
        var lines = new NdjsonLines(context, options.Value.MaxLineBytes);
        var hold = budget.Hold(context);

        while (await lines.ReadAsync(context.RequestAborted))
        {
            try
            {
                // The text after the last line break is not a line yet, but uses memory too.
                hold.Set(lines.Buffered + batch.HeldBytes + AnswerBytes * batch.Count);
                await batch.ReceiveAsync(lines.Received, lines.Buffered > LongBytes);

                for (; lines.TryTake(out var line); batch.Line++)
                {
                    hold.Set(lines.Buffered + batch.HeldBytes + AnswerBytes * batch.Count);
                    await AddAsync(line, Caller.Of(context), batch);
                }
            }
            finally
            {
                batch.EndTurn();
                lines.Advance();
            }
        }
    }

    private async Task AddAsync(ReadOnlyMemory<byte> line, Caller caller, NdjsonBatch batch)
    {
        if (caller.Until <= clock.GetUtcNow())
            throw new InvalidRequestException(
                "credential",
                "it has expired. Send the rest with a new one.",
                StatusCodes.Status401Unauthorized
            );

        if (line.IsEmpty)
        {
            batch.AddBlank(BlankLineBytes);
            return;
        }

        if (batch.Count == MaxEvents)
            throw new InvalidRequestException(
                "body",
                $"must have at most {MaxEvents} events, because the response lists them.",
                StatusCodes.Status413PayloadTooLarge
            );

        using var json = await JsonRequest.ParseAsync(line);
        await batch.AddAsync(EventDocument.Read(json.Root, options.Value, caller.Grants));
    }

    private static ProblemHttpResult Refused(NdjsonBatch batch, Refusal refusal) =>
        TypedResults.Problem(
            statusCode: refusal.Status,
            title: refusal.Title,
            detail: $"Line {batch.Line}: {refusal.Field}: {refusal.Problem} "
                + $"Events stored before it: {batch.Stored.Count}.",
            extensions: new Dictionary<string, object?>
            {
                ["line"] = batch.Line,
                ["accepted"] = batch.Stored.Count,
                ["errors"] = new Dictionary<string, string[]> { [refusal.Field] = [refusal.Problem] },
            }
        );

    /// <summary>The error of a line, also one that is not the client's.</summary>
    private sealed record Refusal(string Field, string Problem, int Status, string Title = "Invalid line")
    {
        public static Refusal Of(InvalidRequestException invalid) =>
            new(invalid.Field, invalid.Problem, invalid.Status);
    }
}
