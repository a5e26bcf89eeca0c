using System.Buffers;
using System.IO.Pipelines;
using EventStore;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using StreamApi.Requests;
using StreamApi.Security;
using StreamApi.Security.Limits;

namespace StreamApi.Events;

/// <summary>
/// Publishes a stream of lines, one event each, without holding it in memory: some hundred lines are appended, then the next are read.
/// The lines before the first bad one are kept, and the answer says which line that was.
/// </summary>
internal sealed class NdjsonPublish(EventAppender store, PublishBudget budget, IOptions<EventsOptions> options)
{
    public async Task<IResult> PublishAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        var appended = new List<AppendedEvent>();
        var (batch, lines, line) = (new List<NewEvent>(), new List<int>(), 0);
        var (grants, client) = (Caller.Of(context).Grants, RequestLimits.KeyOf(context));
        try
        {
            await foreach (var one in LinesAsync(context.Request.BodyReader, context.RequestAborted))
            {
                line++;
                if (one.IsEmpty) continue;
                if (appended.Count + batch.Count == options.Value.MaxNdjsonEvents) throw new InvalidEventException("body", $"has at most {options.Value.MaxNdjsonEvents} events: their positions are answered together.", StatusCodes.Status413PayloadTooLarge);
                batch.Add(Read(one, grants));
                lines.Add(line);
                if (batch.Count == options.Value.NdjsonBatch) await FlushAsync();
            }
            await FlushAsync();
            return TypedResults.Accepted((string?)null, Published.Of(appended));
        }
        catch (InvalidEventException e)
        {
            try { await FlushAsync(); }
            catch (EventConflictException conflict) { return Refused("id", conflict.Message, StatusCodes.Status409Conflict); }
            return Refused(e.Field, e.Problem, e.Status);
        }
        catch (EventConflictException e) { return Refused("id", e.Message, StatusCodes.Status409Conflict); }

        async Task FlushAsync()
        {
            if (batch.Count == 0) return;
            // Meanwhile the rest of the body waits in the client.
            while (!await budget.SpendAsync(client, batch, context.RequestAborted)) await Task.Delay(TimeSpan.FromSeconds(1), context.RequestAborted);
            try { appended.AddRange(await store.AppendAsync(batch, context.RequestAborted)); }
            catch (EventConflictException) when (batch.Count > 1)
            {
                // Which line was it? One by one, up to the first that is refused.
                for (var i = 0; i < batch.Count; i++)
                {
                    line = lines[i];
                    appended.AddRange(await store.AppendAsync([batch[i]], context.RequestAborted));
                }
            }
            finally
            {
                batch.Clear();
                lines.Clear();
            }
        }

        IResult Refused(string field, string problem, int status) => TypedResults.Problem(
            statusCode: status, title: "Invalid line", detail: $"Line {line}: {field}: {problem} The {appended.Count} events before it were kept.",
            extensions: new Dictionary<string, object?> { ["line"] = line, ["accepted"] = appended.Count, ["errors"] = new Dictionary<string, string[]> { [field] = [problem] } });
    }

    private NewEvent Read(ReadOnlyMemory<byte> line, TopicGrants grants)
    {
        try
        {
            using var document = JsonRequest.Parse(line);
            return EventDocument.Read(document.RootElement, options.Value, grants);
        }
        catch (InvalidRequestException e) { throw new InvalidEventException(e.Field, e.Problem, e.Status); }
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(PipeReader body, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The envelope of an event is small beside its data.
        var most = options.Value.MaxEventBytes + 4_096;
        while (true)
        {
            var read = await body.ReadAsync(cancellationToken);
            var rest = read.Buffer;
            // Also where a line is refused: Kestrel drains what is left of the body, and a read that was not advanced would make it cut the answer off.
            try
            {
                while (rest.PositionOf((byte)'\n') is { } end)
                {
                    if (rest.Slice(0, end).Length > most) throw TooLong();
                    yield return Trim(rest.Slice(0, end).ToArray());
                    rest = rest.Slice(rest.GetPosition(1, end));
                }
                if (rest.Length > most) throw TooLong();
                if (read.IsCompleted && !rest.IsEmpty) yield return Trim(rest.ToArray());
                if (read.IsCompleted) rest = rest.Slice(rest.End);
            }
            finally { body.AdvanceTo(rest.Start, read.Buffer.End); }
            if (read.IsCompleted) yield break;
        }

        InvalidEventException TooLong() => new("data", $"the next line is longer than {most} bytes.", StatusCodes.Status413PayloadTooLarge);
        static ReadOnlyMemory<byte> Trim(ReadOnlyMemory<byte> line) => line.Trim(" \t\r"u8.ToArray());
    }
}
