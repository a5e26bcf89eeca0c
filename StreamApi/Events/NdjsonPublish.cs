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

    public async Task PublishAsync(HttpContext context) => await (await AnswerAsync(context)).ExecuteAsync(context);

    private async Task<IResult> AnswerAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;

        var batchBytes = Math.Min(options.Value.NdjsonBatchBytes, store.Value.MaxBatchBytes);
        var batch = new NdjsonBatch(log, budget, clock, context, batchBytes);

        try
        {
            await AddLinesAsync(context, batch);
            await batch.FlushAsync();
            return TypedResults.Accepted((string?)null, Published.Of(batch.Stored));
        }
        catch (BadHttpRequestException e)
        {
            return await RefuseAsync(batch, JsonRequest.CutOff(e));
        }
        catch (InvalidRequestException e)
        {
            return await RefuseAsync(batch, e);
        }
        catch (RefusedException e)
        {
            if (e.RetryAfter is { } delay)
                context.SetRetryAfter(delay);
            return await RefuseAsync(batch, new InvalidRequestException("body", e.Message, e.Status));
        }
        catch (EventConflictException e)
        {
            return Refused(batch, "id", e.Message, StatusCodes.Status409Conflict);
        }
    }

    private async Task AddLinesAsync(HttpContext context, NdjsonBatch batch)
    {
        var lines = new NdjsonLines(context.Request.BodyReader, options.Value.MaxLineBytes, clock);
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

    /// <summary>Stores the lines before the invalid one, then names it.</summary>
    private static async Task<IResult> RefuseAsync(NdjsonBatch batch, InvalidRequestException invalid)
    {
        try
        {
            await batch.FlushAsync();
        }
        catch (EventConflictException conflict)
        {
            return Refused(batch, "id", conflict.Message, StatusCodes.Status409Conflict);
        }
        return Refused(batch, invalid.Field, invalid.Problem, invalid.Status);
    }

    private static ProblemHttpResult Refused(NdjsonBatch batch, string field, string problem, int status) =>
        TypedResults.Problem(
            statusCode: status,
            title: "Invalid line",
            detail: $"Line {batch.Line}: {field}: {problem} Events stored before it: {batch.Stored.Count}.",
            extensions: new Dictionary<string, object?>
            {
                ["line"] = batch.Line,
                ["accepted"] = batch.Stored.Count,
                ["errors"] = new Dictionary<string, string[]> { [field] = [problem] },
            }
        );
}
