using System.Globalization;
using Stack;

namespace Integration.Delivery;

/// <summary>What readers that lag behind the memory get from the store.</summary>
public sealed class ReplayTests(StackFixture stack)
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";

    [Fact]
    public async Task Readers_that_return_one_after_the_other_share_what_was_read_for_the_first()
    {
        await using var system = await DeliverySystem.StartAsync(stack, settings: new() { ["Streaming__RecentEvents"] = "0", ["Streaming__ReplaySharedSeconds"] = "60" });
        var positions = await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 30);
        await using var first = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream, positions[0]);
        await first.WaitForEventsAsync(29);
        system.Postgres.Cut();
        await using var second = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream, positions[0]);
        await second.WaitForEventsAsync(29);
        Assert.Equal(Enumerable.Range(2, 29), Numbers(second));
        // And go on from there together.
        system.Postgres.Heal();
        await DeliverySystem.EventuallyAsync(async () => (await DeliverySystem.PostAsync(system.Replicas[0], new { topic = "t.1", type = "n", data = 31 })).IsSuccessStatusCode, "publishing works again");
        foreach (var reader in (SseReader[])[first, second])
        {
            await reader.WaitForEventsAsync(30);
            Assert.Equal(Enumerable.Range(2, 30), Numbers(reader));
        }
    }

    [Fact]
    public async Task A_replay_that_the_store_never_answers_keeps_no_other_from_being_read()
    {
        await using var system = await DeliverySystem.StartAsync(stack, settings: new()
        {
            ["Streaming__RecentEvents"] = "0", ["Streaming__RingEvents"] = "16", ["Streaming__ReplayReaders"] = "1", ["EventStore__CommandTimeoutSeconds"] = "1",
        });
        var positions = await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 100);
        // A search for what a filter wants never ends; a reader of everything needs none.
        await using (var slow = system.Database.CreateCommand("""
            create or replace function eventstore.head() returns bigint language plpgsql stable as $$
            begin
                if current_query() like '%as bytes,%' then perform pg_sleep(60); end if;
                return coalesce((select max(position) from eventstore.events), 0);
            end $$
            """)) await slow.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await using var never = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream, positions[0]);
        await using var other = await SseReader.OpenAtAsync(system.Replicas[0].Url, "/v1/events/stream", positions[0]);
        await other.WaitForEventsAsync(99);
        Assert.Equal(Enumerable.Range(2, 99), Numbers(other));
        Assert.Empty(never.Events);
    }

    private static IEnumerable<int> Numbers(SseReader reader) => reader.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture));
}
