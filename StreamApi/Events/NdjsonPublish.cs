using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using EventStore;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using Streaming.Admission;
using Streaming.Endpoints;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary>
/// Publishes NDJSON, one event per line, in batches, without holding the request in memory. The lines before the first
/// invalid one are kept, and the response names that line.
/// </summary>
internal sealed class NdjsonPublish(
    EventAppender store,
    RequestBudget budget,
    IOptions<EventsOptions> options,
    IOptions<EventStoreOptions> log,
    TimeProvider clock
)
{
    /// <summary>Bytes of memory that a stored event uses until the response is sent.</summary>
    private const int AnswerBytes = 128;

    /// <summary>Bytes that wait only of a long line: the server receives 64 kB, and a little more, at once.</summary>
    private const int LongBytes = 256 * 1024;

    /// <summary>Bytes that a blank line costs beside its own: one client's blank lines at the budget's rate would keep
    /// most of a processor busy.</summary>
    private const int BlankLineBytes = 64;

    /// <summary>
    /// Maximum bytes of a line. Escapes of letters (<c>\uXXXX</c>) take up to three times the event's bytes, and the
    /// other members take some.
    /// </summary>
    private readonly int _lineBytes = 3 * options.Value.MaxEventBytes + 4_096;
    private readonly int _batchBytes = Math.Min(options.Value.NdjsonBatchBytes, log.Value.MaxBatchBytes);

    public async Task<IResult> PublishAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        var batch = new NdjsonBatch(store, budget, clock, context, (options.Value.NdjsonBatch, _batchBytes));

        try
        {
            await AddLinesAsync(context, batch);
            await batch.FlushAsync();
            return TypedResults.Accepted((string?)null, Published.Of(batch.Stored));
        }
        catch (BadHttpRequestException e)
        {
            batch.Line++;
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
        var caller = Caller.Of(context);
        var hold = budget.Hold(context);
        await foreach (
            var (line, isTooLong, buffered) in LinesAsync(
                context.Request.BodyReader,
                _lineBytes,
                batch.ReceiveAsync,
                clock,
                context.RequestAborted
            )
        )
        {
            if ((line is not null || isTooLong) && caller.Until <= clock.GetUtcNow())
            {
                batch.Line++;
                throw new InvalidRequestException(
                    "credential",
                    "it has expired. Send the rest with a new one.",
                    StatusCodes.Status401Unauthorized
                );
            }
            // The text after the last line break is not a line yet, but uses memory too.
            hold.Set(buffered + batch.HeldBytes + AnswerBytes * batch.Count);

            if (isTooLong)
            {
                batch.Line++;
                throw TooLong();
            }
            if (line is not { } text)
                continue;

            batch.Line++;
            if (text.IsEmpty)
                batch.Charge(BlankLineBytes);
            else
                await batch.AddAsync(await ReadAsync(text, caller.Grants, batch.Count));
        }
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

    private async ValueTask<NewEvent> ReadAsync(ReadOnlyMemory<byte> line, TopicGrants grants, int before)
    {
        if (before == options.Value.MaxNdjsonEvents)
            throw new InvalidRequestException(
                "body",
                $"must have at most {options.Value.MaxNdjsonEvents} events, because the response lists them.",
                StatusCodes.Status413PayloadTooLarge
            );
        using var json = await JsonRequest.ParseAsync(line);
        return EventDocument.Read(json.Root, options.Value, grants);
    }

    private InvalidRequestException TooLong() =>
        new("data", $"the line has more than {_lineBytes} bytes.", StatusCodes.Status413PayloadTooLarge);

    /// <summary>Yields, for each read of the body, its size and then its lines. A line that is too long is the last
    /// one.</summary>
    /// <param name="body">The body.</param>
    /// <param name="lineBytes">Maximum bytes of a line.</param>
    /// <param name="receive">Waits until the bytes that a read has brought may be worked on; true: of a long
    /// line.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    internal static async IAsyncEnumerable<NdjsonRead> LinesAsync(
        PipeReader body,
        int lineBytes,
        Func<long, bool, ValueTask<IDisposable?>> receive,
        TimeProvider clock,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        // Bytes of the unfinished line that have no line break: each is searched once, however few a read brings.
        long searched = 0,
            known = 0;
        var floor = new BodyFloor(body, clock);
        while (true)
        {
            var read = await floor.ReadAsync(known, cancellationToken);
            var rest = read.Buffer;
            var buffered = rest.Length;
            // Advances also when a line is rejected: the rest of the body is read after the response.
            try
            {
                yield return new NdjsonRead(null, false, buffered);
                // Held while the lines of this read are parsed and stored, not while the client sends the next ones.
                using var turn = await receive(buffered - known, buffered > LongBytes);
                while (rest.Slice(searched).PositionOf((byte)'\n') is { } end)
                {
                    var isTooLong = rest.Slice(0, end).Length > lineBytes;
                    var line = isTooLong ? default(ReadOnlyMemory<byte>?) : Trim(rest.Slice(0, end).ToArray());
                    yield return new NdjsonRead(line, isTooLong, buffered);
                    rest = rest.Slice(rest.GetPosition(1, end));
                    searched = 0;
                }
                searched = rest.Length;
                if (searched > lineBytes)
                    yield return new NdjsonRead(null, true, buffered);
                if (read.IsCompleted && !rest.IsEmpty)
                    yield return new NdjsonRead(Trim(rest.ToArray()), false, buffered);
                if (read.IsCompleted)
                    rest = rest.Slice(rest.End);
            }
            finally
            {
                known = rest.Length;
                body.AdvanceTo(rest.Start, read.Buffer.End);
            }
            if (read.IsCompleted)
                yield break;
        }

        static ReadOnlyMemory<byte> Trim(ReadOnlyMemory<byte> line) => line.Trim(" \t\r"u8.ToArray());
    }
}

/// <summary>A line of a request, or the size of a read of its body.</summary>
/// <param name="Line">The line; null: none, or too long.</param>
/// <param name="IsTooLong">True for a line that is too long.</param>
/// <param name="Buffered">Bytes that are buffered.</param>
internal readonly record struct NdjsonRead(ReadOnlyMemory<byte>? Line, bool IsTooLong, long Buffered);
