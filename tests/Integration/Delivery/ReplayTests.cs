using System.Text.Json;

namespace Integration.Delivery;

/// <summary>Replays from the store to readers that lag behind memory.</summary>
public sealed class ReplayTests(ReplayTests.PatientReads fixture) : IClassFixture<ReplayTests.PatientReads>
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";

    /// <summary>Part of the statement with which a replay's read begins, and of no other one.</summary>
    private const string Search = "from eventstore.topics";

    /// <summary>Settings with so little memory that every replay reads the store.</summary>
    private static readonly Dictionary<string, string> Forgetful = new()
    {
        ["AspireSse__Streaming__RecentEvents"] = "0",
        ["AspireSse__Streaming__RingEvents"] = "16",
    };

    // The tests of the reads share the replica; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";

    private string OwnStream => $"/v1/events/stream?topic={_root}.%3E";

    /// <summary>A replica whose reads of events wait for a lock as long as a test lasts.</summary>
    public sealed class PatientReads : SharedWorld
    {
        protected override int Broadcasters => 0;
        protected override Dictionary<string, string> Settings =>
            new(Forgetful)
            {
                ["AspireSse__EventStore__CommandTimeoutSeconds"] = "300",
                // Of which one client alone has half.
                ["AspireSse__EventStore__ReplayConnections"] = "8",
                ["AspireSse__Streaming__ReplayReaders"] = "8",
            };
    }

    [Fact]
    public async Task Readers_that_return_one_after_the_other_share_the_pages_of_the_first()
    {
        await using var system = await World.Start(o =>
            o.Set("AspireSse:Streaming:RecentEvents", 0).Set("AspireSse:Streaming:ReplaySharedSeconds", 60)
        );
        var positions = await system.PublishDeliveredAsync("t.1", 1, 30);
        await using var first = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream, positions[0]);

        await first.WaitForEventsAsync(29);
        system.Postgres.Cut();
        await using var second = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream, positions[0]);

        await second.WaitForEventsAsync(29);
        Assert.Equal(Enumerable.Range(2, 29), second.Numbers);
        // They continue together from there.
        system.Postgres.Heal();

        var next = new EventBody("t.1", "n", 31, Id: Guid.NewGuid());
        await Eventually.HoldsAsync(
            async () => (await World.PostAsync(system.Replicas[0], next)).IsSuccessStatusCode,
            "publishing works again"
        );

        foreach (var reader in (SseReader[])[first, second])
        {
            await reader.WaitForEventsAsync(30);
            Assert.Equal(Enumerable.Range(2, 30), reader.Numbers);
        }
    }

    [Fact]
    public async Task A_replay_that_the_store_never_answers_keeps_no_other_from_being_read()
    {
        await using var system = await World.Start(o =>
            o.Set("AspireSse:Streaming:RecentEvents", 0)
                .Set("AspireSse:Streaming:RingEvents", 16)
                .Set("AspireSse:Streaming:ReplayReaders", 1)
                .Set("AspireSse:EventStore:CommandTimeoutSeconds", 5)
                .Set("AspireSse:Streaming:ReplayTries", 1000)
        );
        var positions = await system.PublishDeliveredAsync("t.1", 1, 100);
        // A search by topic, which looks into the directory, never ends here; a reader of everything needs none.
        await using var locked = await LockedTable.LockAsync(system.Database, "eventstore.topics");
        await using var never = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream, positions[0]);

        await Eventually.HoldsAsync(async () => await locked.WaitersAsync(Search) > 0, "the search hangs");
        await using var other = await SseReader.OpenAtAsync(system.Replicas[0].Url, "/v1/events/stream", positions[0]);
        await other.WaitForEventsAsync(99);
        Assert.Equal(Enumerable.Range(2, 99), other.Numbers);
        Assert.Empty(never.Events);
    }

    [Theory]
    [InlineData("")]
    [InlineData("&slow=latest")]
    public async Task A_replay_ends_in_Postgres_too_when_its_last_reader_leaves(string slow)
    {
        const int Readers = 3;
        var system = fixture.System;
        var positions = await system.PublishDeliveredAsync($"{_root}.1", 1, 100);
        await using var locked = await LockedTable.LockAsync(system.Database, "eventstore.events");

        var readers = new List<SseReader>();
        foreach (var position in positions.Take(Readers))
            readers.Add(await SseReader.OpenAtAsync(system.Replicas[0].Url, OwnStream + slow, position));

        // Two clients want the same range: the read continues while one of them is there.
        readers.Add(await SseReader.OpenAtAsync(system.Replicas[0].Url, OwnStream + slow, positions[0]));
        // The feed and its look at the head may wait for the lock, too.
        await Eventually.HoldsAsync(
            async () => await locked.WaitersAsync(Search) == Readers,
            "every range is being read once"
        );
        await readers[^1].DisposeAsync();

        foreach (var reader in readers[1..Readers])
            await reader.DisposeAsync();

        await Eventually.HoldsAsync(
            async () => await locked.WaitersAsync(Search) == 1,
            "only what is waited for is being read"
        );

        await locked.ReleaseAsync();
        await readers[0].WaitForEventsAsync(slow.Length > 0 ? 1 : 99);
        await readers[0].DisposeAsync();
    }

    [Fact]
    public async Task A_replay_is_not_read_on_after_all_have_left()
    {
        var system = fixture.System;
        var positions = await system.PublishDeliveredAsync($"{_root}.1", 1, 100);
        await using var locked = await LockedTable.LockAsync(system.Database, "eventstore.events");
        // Twice as many as one client reads at once: those in the queue must not take the places of those that left.
        var readers = new List<SseReader>();
        foreach (var position in positions.Take(8))
            readers.Add(await SseReader.OpenAtAsync(system.Replicas[0].Url, OwnStream, position));

        await Eventually.HoldsAsync(
            async () => await locked.WaitersAsync(Search) == 4,
            "as many ranges are being read as one client may"
        );

        foreach (var reader in readers)
            await reader.DisposeAsync();

        await Eventually.HoldsAsync(
            async () => await locked.WaitersAsync(Search) == 0,
            "nothing is being read but by the feed"
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("&slow=latest")]
    public async Task A_replay_that_keeps_failing_ends_its_stream_and_the_client_resumes_completely(string slow)
    {
        await using var system = await World.Start(o => o.Set(Forgetful).Set("AspireSse:Streaming:ReplayTries", 2));
        var positions = await system.PublishDeliveredAsync("t.1", 1, 100);
        system.Postgres.Cut();

        await using (var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream + slow, positions[0]))
        {
            await reader.WaitForEndAsync();
            Assert.True(reader.EndedProperly, reader.ToString());
            var error = reader.Events.Single();

            Assert.Equal("error", error.Event);
            Assert.Null(error.Id);
            var data = JsonDocument.Parse(error.Data!).RootElement;

            Assert.False(data.GetProperty("fatal").GetBoolean());
            Assert.Equal("unavailable", data.GetProperty("reason").GetString());
            Assert.NotNull(reader.Frames[^1].Retry);
            Assert.Equal(positions[0], reader.LastId);
        }

        system.Postgres.Heal();
        await using var again = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream, positions[0]);
        await again.WaitForEventsAsync(99);
        Assert.Equal(Enumerable.Range(2, 99), again.Numbers);
    }
}
