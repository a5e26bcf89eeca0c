using Npgsql;

namespace Integration.Delivery;

/// <summary>A standby is promoted that has an erasure by replication, and no replica was told of it by the former
/// primary.</summary>
[Trait("Takes", "long")]
public sealed class ErasedStandbyTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private const string Secret = "the secret of ann",
        Stream = "/v1/events/stream?topic=t.%3E";

    [Fact]
    public async Task The_new_primary_has_nothing_of_the_data_and_every_replica_forgets_it()
    {
        var database = await rig.CreateDatabaseAsync();
        var name = database.Database!;
        await using var system = await World.Start(o =>
            o.Replicas(2).Set("AspireSse:Streaming:PositionSeconds", 1).Database(database)
        );
        await using var onA = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await using var onB = await SseReader.OpenAtAsync(system.Replicas[1].Url, Stream);
        object[] bodies =
        [
            new EventBody("t.first", "n", 1),
            new EventBody("t.ann", "n", Secret),
            new EventBody("t.last", "n", 2),
        ];
        var ids = await World.PublishAsync(system.Replicas[0], bodies);
        foreach (var open in (SseReader[])[onA, onB])
            await open.WaitForEventsAsync(3);

        system.Postgres.Cut();
        await rig.Origin.AskAsync<long>("select number from eventstore.erase('{t.ann}', '{}', 'op', 'asked')", name);
        var server = await rig.PromoteAsync(rig.Origin);
        system.Postgres.Redirect(server.Port);

        foreach (var replica in system.Replicas)
        {
            await Eventually.HoldsAsync(
                async () => (await World.PostAsync(replica, new EventBody("x", "x", 1))).IsSuccessStatusCode,
                "publishing works again"
            );
            await Eventually.HoldsAsync(
                async () =>
                {
                    await using var reader = await SseReader.OpenAtAsync(replica.Url, Stream, ids[0]);
                    await reader.WaitForEventsAsync(1);
                    Assert.Empty(reader.Resyncs);
                    return reader.Events.First().Data == "2";
                },
                "the replica has forgotten what was erased"
            );
        }

        var next = await World.PublishAsync(system.Replicas[1], [new EventBody("t.first", "n", 3)]);
        foreach (var open in (SseReader[])[onA, onB])
        {
            await open.WaitForEventsAsync(4);
            Assert.Equal([.. ids, .. next], open.Events.Select(e => e.Id));
            Assert.Empty(open.Resyncs);
        }

        await using var promoted = NpgsqlDataSource.Create(server.At(name).ConnectionString);
        await promoted.ExecuteAsync("vacuum");
        Assert.Equal("op", await promoted.AskAsync<string>("select erased_by from eventstore.erasures"));
        Assert.Empty(await promoted.TablesWithAsync(Secret));
    }
}
