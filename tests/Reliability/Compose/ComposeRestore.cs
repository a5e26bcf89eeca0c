using AspireSse.Client;
using AspireSse.Client.Publishing;
using LoadTests;

namespace Reliability.Compose;

/// <summary>Backs the database up and restores it with the commands of docs/compose.md. An event that the backup has
/// stays readable, and its id resumes; the id of a later one gets a resync.</summary>
internal sealed class ComposeRestore(ComposeStack stack, HttpClient http)
{
    private const string Topic = "compose.restored";
    private static readonly string[] Services = ["streamapi-1", "streamapi-2", "broadcaster-1", "broadcaster-2"];

    /// <summary>Returns what was wrong, or null if nothing.</summary>
    public async Task<string?> RunAsync(CancellationToken cancellationToken)
    {
        var kept = await PublishAsync("kept", cancellationToken);
        await PostgresAsync("pg_dump -h 127.0.0.1 -U sse -Fc eventstore > backup.dump", cancellationToken);
        var lost = await PublishAsync("lost", cancellationToken);

        foreach (var service in Services)
            await stack.StopAsync(service, cancellationToken);

        await PostgresAsync("dropdb -h 127.0.0.1 -U sse --force eventstore", cancellationToken);
        await PostgresAsync("createdb -h 127.0.0.1 -U sse eventstore", cancellationToken);
        await PostgresAsync("pg_restore -h 127.0.0.1 -U sse -d eventstore < backup.dump", cancellationToken);

        foreach (var service in Services)
            await stack.StartAgainAsync(service, cancellationToken);

        await stack.CompleteAsync(cancellationToken);

        var next = await PublishAsync("next", cancellationToken);
        var history = await http.GetStringAsync(
            new Uri($"/v1/events?topic={Topic}", UriKind.Relative),
            cancellationToken
        );
        if (!history.Contains("\"kept\"") || history.Contains("\"lost\"") || !history.Contains("\"next\""))
            return $"the history is {history}";
        if (await FirstAsync(kept, cancellationToken) is { Resync: not null } resync)
            return $"the id of an event in the backup got a resync: {resync.Data}";
        if (await FirstAsync(lost, cancellationToken) is { Resync: null } other)
            return $"the id of a lost event got {other.Type} {other.Data}";

        return kept.Split('-')[0] == next.Split('-')[0] ? "the epoch is the same as before" : null;
    }

    /// <summary>Publishes one event and returns its id.</summary>
    private async Task<string> PublishAsync(string type, CancellationToken cancellationToken) =>
        (
            await new EventPublisher(http).PublishAsync(OutgoingEvent.Create(Topic, type, type), cancellationToken)
        ).Position;

    /// <summary>Returns the first event or resync after an id.</summary>
    private async Task<SseEvent> FirstAsync(string id, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        var request = new SseRequest($"/v1/events/stream?topic={Topic}") { LastEventId = id };
        var stream = new SseClient(http).Open(request);
        await foreach (var received in stream.WithCancellation(limit.Token))
            if (received.Connected is null)
                return received;

        throw new LoadTestException($"The stream after {id} ended.");
    }

    private Task PostgresAsync(string command, CancellationToken cancellationToken) =>
        stack.ExecuteAsync("postgres", command, cancellationToken);
}
