using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace AspireSse.Client.Publishing;

/// <summary>
/// Publishes events (<c>POST /v1/events</c>) and retries requests without an answer. Retries are safe, because the
/// server appends an event id only once. Thread-safe.
/// </summary>
/// <remarks>
/// Order: the events of one call keep their order, and a call that starts after another has returned comes after it.
/// Overlapping calls have no order.
/// </remarks>
public sealed class EventPublisher
{
    private readonly PublisherOptions _options;
    private readonly PublishRequests _requests;

    /// <summary>Creates a publisher on the caller's client, which it does not dispose.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or the path is relative without a base
    /// address.</exception>
    public EventPublisher(HttpClient http, PublisherOptions? options = null, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(http);

        _options = options ?? new PublisherOptions();
        _options.Validate();

        if (!_options.Path.IsAbsoluteUri && http.BaseAddress is null)
            throw new ArgumentException(
                $"'{_options.Path}' is relative, and the HttpClient has no BaseAddress.",
                nameof(http)
            );

        _requests = new PublishRequests(http, _options, clock ?? TimeProvider.System);
    }

    /// <summary>Publishes one event. Returns once it is durable.</summary>
    /// <exception cref="PublishException">The server refused the event, or did not answer after all
    /// retries.</exception>
    public async Task<PublishedEvent> PublishAsync(
        OutgoingEvent outgoing,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(outgoing);
        return (
            await _requests
                .SendAsync(Body(json => outgoing.Write(json)), "application/json", [outgoing.Id], cancellationToken)
                .ConfigureAwait(false)
        )[0];
    }

    /// <summary>
    /// Publishes events in order, all or nothing. Returns once they are durable, with one result per event.
    /// </summary>
    /// <exception cref="PublishException">The server refused the events, or did not answer after all
    /// retries.</exception>
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
            foreach (var outgoing in events)
                outgoing.Write(json);
            json.WriteEndArray();
        });
        Guid[] ids = [.. events.Select(e => e.Id)];

        return await _requests.SendAsync(body, "application/json", ids, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Publishes any number of events as NDJSON. Holds one request (<see cref="PublisherOptions.StreamBatch"/>) in
    /// memory: it sends a full request and returns its results before it reads further events.
    /// </summary>
    /// <exception cref="PublishException">The server refused an event or did not answer. <see
    /// cref="PublishException.Accepted"/> counts the events before it.</exception>
    public async IAsyncEnumerable<PublishedEvent> PublishAsync(
        IAsyncEnumerable<OutgoingEvent> events,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(events);

        var body = new ArrayBufferWriter<byte>();
        var ids = new List<Guid>();
        var accepted = 0L;
        await foreach (var outgoing in events.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            using (var json = new Utf8JsonWriter(body))
                outgoing.Write(json);

            body.Write("\n"u8);
            ids.Add(outgoing.Id);

            if (ids.Count < _options.StreamBatch && body.WrittenCount < _options.StreamBatchBytes)
                continue;

            foreach (var one in await SendLinesAsync().ConfigureAwait(false))
                yield return one;
        }

        if (ids.Count == 0)
            yield break;

        foreach (var one in await SendLinesAsync().ConfigureAwait(false))
            yield return one;

        async Task<IReadOnlyList<PublishedEvent>> SendLinesAsync()
        {
            try
            {
                var published = await _requests
                    .SendAsync(body.WrittenMemory, "application/x-ndjson", ids, cancellationToken)
                    .ConfigureAwait(false);
                accepted += ids.Count;
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
                ids.Clear();
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
