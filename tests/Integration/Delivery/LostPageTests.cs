using System.Net;

namespace Integration.Delivery;

/// <summary>The pages that a replica receives are not all that the Broadcaster sent, or not of its epoch.</summary>
public sealed class LostPageTests
{
    [Fact]
    public async Task The_events_of_a_lost_page_are_delivered_before_those_of_the_next_one()
    {
        await using var relay = await HandRelay.StartAsync();
        await using var reader = await relay.ReadAsync();

        await relay.AppendAsync("a", 3);
        await relay.SendAsync(await relay.EpochAsync(), await relay.AppendAsync("a", 4));

        await reader.WaitAsync(r => r.Events.Any(e => e.Data == "4"));
        Assert.Equal(["1", "2", "3", "4"], reader.Events.Select(e => e.Data));
    }

    [Fact]
    public async Task Without_Postgres_a_page_after_a_lost_one_waits_for_it()
    {
        await using var relay = await HandRelay.StartAsync();
        await using var reader = await relay.ReadAsync();

        relay.System.Postgres.Cut();
        await ReplicaHealth.IsAsync(relay.Replica, HttpStatusCode.ServiceUnavailable);
        await relay.AppendAsync("a", 3);
        await relay.SendAsync(await relay.EpochAsync(), await relay.AppendAsync("b", 4));
        await ReplicaHealth.SaysAsync(relay.Replica, "only Postgres has");
        Assert.Equal(2, reader.Events.Count());

        relay.System.Postgres.Heal();

        await reader.WaitForEventsAsync(4);
        Assert.Equal(["1", "2", "3", "4"], reader.Events.Select(e => e.Data));
    }

    /// <summary>The replica drops a page that nobody needs, and knows that it lacks its events.</summary>
    [Fact]
    public async Task A_reader_that_returns_for_events_that_its_replica_left_out_gets_them()
    {
        await using var relay = await HandRelay.StartAsync();
        await using var reader = await relay.ReadAsync();
        var epoch = await relay.EpochAsync();

        await relay.SendAsync(epoch, await relay.AppendAsync("c", 3));
        await relay.SendAsync(epoch, await relay.AppendAsync("a", 4));
        await reader.WaitForEventsAsync(3);

        const string Left = "/v1/events/stream?topic=c";
        await using var returning = await SseReader.OpenAtAsync(relay.Replica.Url, Left, reader.Events.ElementAt(1).Id);
        await returning.WaitForEventsAsync(1);
        await relay.SendAsync(epoch, await relay.AppendAsync("c", 5));
        await returning.WaitForEventsAsync(2);
        Assert.Equal(["3", "5"], returning.Events.Select(e => e.Data));
        Assert.Empty(returning.Resyncs);
        Assert.Equal(["1", "2", "4"], reader.Events.Select(e => e.Data));
    }

    [Fact]
    public async Task A_page_of_a_former_epoch_is_not_delivered_in_the_new_one()
    {
        await using var relay = await HandRelay.StartAsync();
        await using var reader = await relay.ReadAsync();

        var former = await relay.EpochAsync();
        var epoch = await relay.PromoteAsync(reader);

        await relay.SendAsync(former, HandRelay.Event("a", 4, "\"lost\""));
        await relay.SendAsync(epoch, await relay.AppendAsync("a", 4));
        await reader.WaitForEventsAsync(4);
        Assert.Equal(["1", "2", "3", "4"], reader.Events.Select(e => e.Data));
    }

    /// <summary>A connection from before a promotion may still lead to the former primary.</summary>
    [Fact]
    public async Task A_former_primary_that_still_answers_is_not_followed()
    {
        await using var relay = await HandRelay.StartAsync();
        await using var reader = await relay.ReadAsync();
        var former = await relay.EpochAsync();

        await relay.PromoteAsync(reader);

        // The former one knows nothing of the promotion, and commits an event of its own.
        await relay.RunAsync("create table successor as select * from eventstore.lineage order by number desc limit 1");
        await relay.RunAsync("delete from eventstore.lineage where number = (select number from successor)");
        var lost = await relay.AppendAsync("a", 0);

        await Eventually.HoldsAsync(
            async () =>
            {
                await relay.SendAsync(former, lost);
                return relay.Replica.Output.Contains("A former primary answers", StringComparison.Ordinal);
            },
            "the replica has had its answer"
        );

        await relay.RunAsync($"delete from eventstore.events where position = {lost.Position}");
        await relay.RunAsync("insert into eventstore.lineage select * from successor");
        await relay.SendAsync(await relay.EpochAsync(), await relay.AppendAsync("a", 4));
        await reader.WaitForEventsAsync(4);
        Assert.Equal(["1", "2", "3", "4"], reader.Events.Select(e => e.Data));
        Assert.DoesNotContain(reader.Frames, frame => frame.Event == "resync");
    }
}
