using System.Net.Http.Json;
using System.Text;
using Harness;

namespace Integration.Delivery;

/// <summary>Within a second after an erasure, no replica has its data in memory. Redis never has.</summary>
public sealed class ErasedMemoryTests
{
    private const string Secret = "the secret of ann";

    private static readonly HttpClient Http = new();
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Without recent events, what is not in the ring of an open stream comes from pages that are shared for a
    /// minute.</summary>
    [Theory]
    [InlineData(8_192)]
    [InlineData(1)]
    public async Task Each_replica_forgets_within_a_second_and_its_open_streams_go_on(int recentEvents)
    {
        await using var system = await World.Start(o =>
            o.Replicas(2)
                .Set("AspireSse:Streaming:RecentEvents", recentEvents)
                .Set("AspireSse:Streaming:ReplaySharedSeconds", 60)
        );
        var open = await Task.WhenAll(system.Replicas.Select(r => SseReader.OpenAtAsync(r.Url, OfRing)));
        var ids = await PublishAsync(system, ("t.first", "1"), ("t.ann", Secret), ("t.last", "2"));
        foreach (var reader in open)
            await reader.WaitForEventsAsync(3);
        foreach (var (replica, path) in Sources(system))
            Assert.Contains(Secret, await NextAsync(replica, path, ids[0]), StringComparison.Ordinal);
        Assert.Equal(0, await KeysWithAsync(Secret));

        using (
            var erased = await Http.PostAsJsonAsync(
                new Uri(system.Replicas[0].Url, "/v1/erasures"),
                new { topics = new[] { "t.ann" }, reason = "asked by its owner" },
                Stop
            )
        )
            erased.EnsureSuccessStatusCode();

        var begun = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Sources(system).Select(source => ForgottenAsync(source.Replica, source.Path)));
        Assert.Equal(0, await KeysWithAsync(Secret));

        await PublishAsync(system, ("t.first", "3"));
        foreach (var reader in open)
        {
            await reader.WaitForEventsAsync(4);
            Assert.Equal(["\"1\"", $"\"{Secret}\"", "\"2\"", "\"3\""], reader.Events.Select(e => e.Data));
            Assert.Empty(reader.Resyncs);
            await reader.DisposeAsync();
        }

        // A busy machine may answer late; what counts is when it was asked.
        async Task ForgottenAsync(RunningService replica, string path)
        {
            TimeSpan asked;
            string data;
            do
            {
                asked = TimeProvider.System.GetElapsedTime(begun);
                data = await NextAsync(replica, path, ids[0]);
            } while (data.Contains(Secret, StringComparison.Ordinal) && asked < Second);
            Assert.Equal("\"2\"", data);
        }
    }

    private const string OfRing = "/v1/events/stream?topic=t.%3E",
        OfOtherFilter = "/v1/events/stream?topic=t.*";

    private static IEnumerable<(RunningService Replica, string Path)> Sources(World system) =>
        system.Replicas.SelectMany(replica => (string[])[OfRing, OfOtherFilter], (replica, path) => (replica, path));

    private static Task<string[]> PublishAsync(World system, params (string Topic, string Data)[] events) =>
        World.PublishAsync(system.Replicas[0], [.. events.Select(e => new EventBody(e.Topic, "n", e.Data))]);

    /// <summary>Returns the data of the event that a resume gets first.</summary>
    private static async Task<string> NextAsync(RunningService replica, string path, string lastId)
    {
        await using var reader = await SseReader.OpenAtAsync(replica.Url, path, lastId);
        await reader.WaitForEventsAsync(1);
        Assert.Empty(reader.Resyncs);
        return reader.Events.First().Data!;
    }

    private static async Task<int> KeysWithAsync(string text)
    {
        await using var redis = await TestRedis.ConnectAsync(Stores.Shared.Redis);
        var server = redis.GetServers().Single();
        var found = 0;
        await foreach (var key in server.KeysAsync().WithCancellation(Stop))
            if (
                await redis.GetDatabase().KeyDumpAsync(key) is { } value
                && value.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0
            )
                found++;
        return found;
    }
}
