using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;
using EventStore;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using StreamApi.Security.Limits;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary>
/// Publishes NDJSON, one event per line, in batches, without holding the request in memory. The lines before the first
/// invalid one are kept, and the response names that line.
/// </summary>
internal sealed class NdjsonPublish(
    EventAppender store,
    PublishBudget budget,
    IOptions<EventsOptions> options,
    IOptions<EventStoreOptions> log,
    TimeProvider clock
)
{
    /// <summary>Bytes of memory that a stored event uses until the response is sent.</summary>
    private const int AnswerBytes = 128;

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
        var appended = new List<AppendedEvent>();
        var (batch, lines, line, batchBytes) = (new List<NewEvent>(), new List<int>(), 0, 0);
        var (grants, client, publisher) = (
            Caller.Of(context).Grants,
            RequestLimits.KeyOf(context),
            RequestLimits.PublisherOf(context)
        );
        var hold = MemoryHold.Of(context);
        try
        {
            await foreach (
                var (one, isTooLong, buffered) in LinesAsync(context.Request.BodyReader, context.RequestAborted)
            )
            {
                // The text after the last line break is not a line yet, but uses memory too.
                try
                {
                    hold.Set(buffered + sizeof(char) * batchBytes + AnswerBytes * (appended.Count + batch.Count));
                }
                catch (InvalidRequestException e)
                {
                    throw new InvalidEventException(e.Field, e.Problem, e.Status);
                }
                if (isTooLong)
                {
                    line++;
                    throw TooLong();
                }
                if (one is not { } text)
                    continue;
                line++;
                if (text.IsEmpty)
                    continue;
                if (appended.Count + batch.Count == options.Value.MaxNdjsonEvents)
                    throw new InvalidEventException(
                        "body",
                        $"must have at most {options.Value.MaxNdjsonEvents} events, because the response lists them.",
                        StatusCodes.Status413PayloadTooLarge
                    );
                var next = Read(text, grants);
                var bytes = Encoding.UTF8.GetByteCount(next.Data);
                if (batch.Count == options.Value.NdjsonBatch || batchBytes + bytes > _batchBytes)
                    await FlushAsync();
                batch.Add(next);
                lines.Add(line);
                batchBytes += bytes;
            }
            await FlushAsync();
            return TypedResults.Accepted((string?)null, Published.Of(appended));
        }
        catch (InvalidEventException e)
        {
            try
            {
                await FlushAsync();
            }
            catch (EventConflictException conflict)
            {
                return Refused("id", conflict.Message, StatusCodes.Status409Conflict);
            }
            return Refused(e.Field, e.Problem, e.Status);
        }
        catch (EventConflictException e)
        {
            return Refused("id", e.Message, StatusCodes.Status409Conflict);
        }

        async Task FlushAsync()
        {
            if (batch.Count == 0)
                return;
            // Backpressure: the rest of the body waits in the client.
            while (!await budget.SpendAsync(client, batch, context.RequestAborted))
                await Task.Delay(TimeSpan.FromSeconds(1), clock, context.RequestAborted);
            try
            {
                appended.AddRange(await AppendAsync(batch));
            }
            catch (EventConflictException) when (batch.Count == 1)
            {
                line = lines[0];
                throw;
            }
            catch (EventConflictException)
            {
                // Finds the conflicting line by appending one line at a time.
                for (var i = 0; i < batch.Count; i++)
                {
                    line = lines[i];
                    appended.AddRange(await AppendAsync([batch[i]]));
                }
            }
            finally
            {
                batch.Clear();
                lines.Clear();
                batchBytes = 0;
            }
        }

        // Each batch queues behind other publishers'; the next lines wait in the client.
        async Task<IReadOnlyList<AppendedEvent>> AppendAsync(IReadOnlyList<NewEvent> events)
        {
            while (true)
            {
                try
                {
                    return await store.AppendAsync(events, publisher, context.RequestAborted);
                }
                catch (AppendQueueFullException)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(500), clock, context.RequestAborted);
                }
            }
        }

        IResult Refused(string field, string problem, int status) =>
            TypedResults.Problem(
                statusCode: status,
                title: "Invalid line",
                detail: $"Line {line}: {field}: {problem} The {appended.Count} events before it were stored.",
                extensions: new Dictionary<string, object?>
                {
                    ["line"] = line,
                    ["accepted"] = appended.Count,
                    ["errors"] = new Dictionary<string, string[]> { [field] = [problem] },
                }
            );
    }

    private NewEvent Read(ReadOnlyMemory<byte> line, TopicGrants grants)
    {
        try
        {
            using var document = JsonRequest.Parse(line);
            return EventDocument.Read(document.RootElement, options.Value, grants);
        }
        catch (InvalidRequestException e)
        {
            throw new InvalidEventException(e.Field, e.Problem, e.Status);
        }
    }

    private InvalidEventException TooLong() =>
        new("data", $"the line has more than {_lineBytes} bytes.", StatusCodes.Status413PayloadTooLarge);

    /// <summary>
    /// Reads the lines and the buffered bytes; after each read also the buffered bytes alone. A line that is too long
    /// is the last one.
    /// </summary>
    private async IAsyncEnumerable<(ReadOnlyMemory<byte>? Line, bool IsTooLong, long Buffered)> LinesAsync(
        PipeReader body,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        while (true)
        {
            var read = await body.ReadAsync(cancellationToken);
            var (rest, buffered) = (read.Buffer, read.Buffer.Length);
            // Advances also when a line is rejected: Kestrel drains the rest of the body, and a read without an advance
            // would abort the response.
            try
            {
                yield return (null, false, buffered);
                while (rest.PositionOf((byte)'\n') is { } end)
                {
                    var isTooLong = rest.Slice(0, end).Length > _lineBytes;
                    yield return (isTooLong ? null : Trim(rest.Slice(0, end).ToArray()), isTooLong, buffered);
                    rest = rest.Slice(rest.GetPosition(1, end));
                }
                if (rest.Length > _lineBytes)
                    yield return (null, true, buffered);
                if (read.IsCompleted && !rest.IsEmpty)
                    yield return (Trim(rest.ToArray()), false, buffered);
                if (read.IsCompleted)
                    rest = rest.Slice(rest.End);
            }
            finally
            {
                body.AdvanceTo(rest.Start, read.Buffer.End);
            }
            if (read.IsCompleted)
                yield break;
        }

        static ReadOnlyMemory<byte> Trim(ReadOnlyMemory<byte> line) => line.Trim(" \t\r"u8.ToArray());
    }
}
