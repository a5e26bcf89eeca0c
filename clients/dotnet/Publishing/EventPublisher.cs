using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace AspireSse.Client.Publishing;

/// <summary>
/// Publishes events (<c>POST /v1/events</c>) and repeats what got no answer, which is safe: every event has an id that
/// the server appends
/// once. Safe to use from many threads at once.
/// </summary>
/// <remarks>
/// Order: what one call publishes keeps its order, and a call that begins after another has returned comes after it.
/// Calls that overlap
/// come in any order.
/// </remarks>
public sealed class EventPublisher
{
    private readonly PublisherOptions _options;
    private readonly PublishRequests _requests;

    /// <summary>A publisher over the caller's client, which it does not dispose.</summary>
    /// <exception cref="ArgumentException">An option out of range, or a relative path without a base
    /// address.</exception>
    public EventPublisher(HttpClient http, PublisherOptions? options = null, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(http);
        _options = options ?? new PublisherOptions();
        _options.Validate();
        if (!_options.Path.IsAbsoluteUri && http.BaseAddress is null)
            throw new ArgumentException(
                $"'{_options.Path}' is relative and the HttpClient has no BaseAddress.",
                nameof(http)
            );
        _requests = new PublishRequests(http, _options, clock ?? TimeProvider.System);
    }

    /// <summary>Publishes one event; returns once it is durable.</summary>
    /// <exception cref="PublishException">Refused, or no answer after all retries.</exception>
    public async Task<PublishedEvent> PublishAsync(OutgoingEvent e, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(e);
        return (
            await _requests
                .SendAsync(Body(json => e.Write(json)), "application/json", cancellationToken)
                .ConfigureAwait(false)
        )[0];
    }

    /// <summary>Publishes events all or nothing, in their order; returns once they are durable, one answer for
    /// each.</summary>
    /// <exception cref="PublishException">Refused, or no answer after all retries.</exception>
    public async Task<IReadOnlyList<PublishedEvent>> PublishAsync(
        IReadOnlyCollection<OutgoingEvent> events,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0)
            return [];
        var body = Body(json =>
        {
            json.WriteStartArray();
            foreach (var e in events)
                e.Write(json);
            json.WriteEndArray();
        });
        return await _requests.SendAsync(body, "application/json", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Publishes any number of events as NDJSON, holding one request's worth (<see
    /// cref="PublisherOptions.StreamBatch"/>) in memory: a
    /// request is sent when it is full, and its answers come before the next events are asked for.
    /// </summary>
    /// <exception cref="PublishException">An event was refused, or no answer came; <see
    /// cref="PublishException.Accepted"/> says how far it got.</exception>
    public async IAsyncEnumerable<PublishedEvent> PublishAsync(
        IAsyncEnumerable<OutgoingEvent> events,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(events);
        var body = new ArrayBufferWriter<byte>();
        var lines = 0;
        var accepted = 0L;
        await foreach (var e in events.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            using (var json = new Utf8JsonWriter(body))
                e.Write(json);
            body.Write("\n"u8);
            if (++lines < _options.StreamBatch && body.WrittenCount < _options.StreamBatchBytes)
                continue;
            foreach (var one in await SendLinesAsync().ConfigureAwait(false))
                yield return one;
        }
        if (lines == 0)
            yield break;
        foreach (var one in await SendLinesAsync().ConfigureAwait(false))
            yield return one;

        async Task<IReadOnlyList<PublishedEvent>> SendLinesAsync()
        {
            try
            {
                var published = await _requests
                    .SendAsync(body.WrittenMemory, "application/x-ndjson", cancellationToken)
                    .ConfigureAwait(false);
                accepted += lines;
                return published;
            }
            catch (PublishException e)
            {
                e.Accepted =
                    accepted
                    + (
                        e.Problem?.Extensions?.GetValueOrDefault("accepted") is { ValueKind: JsonValueKind.Number } kept
                            ? kept.GetInt64()
                            : 0
                    );
                throw;
            }
            finally
            {
                lines = 0;
                body.ResetWrittenCount();
            }
        }
    }

    private static ReadOnlyMemory<byte> Body(Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
            write(json);
        return body.WrittenMemory;
    }
}
