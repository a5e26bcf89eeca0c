namespace Adopter.Orders;

/// <summary>A log in memory erases as one in Postgres does.</summary>
public sealed class MemoryErasureTests : IAsyncLifetime
{
    private RunningOrders _orders = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private IEventLog Log => _orders.App.Services.GetRequiredService<IEventLog>();

    public async ValueTask InitializeAsync() => _orders = await RunningOrders.StartInMemoryAsync();

    public ValueTask DisposeAsync() => _orders.DisposeAsync();

    [Fact]
    public async Task Erased_events_are_gone_from_the_log_and_from_streams_and_their_neighbours_are_not()
    {
        await using var open = await SseReader.OpenAtAsync(_orders.Server, "/public/7");
        var byId = new NewEvent("orders.7.paid", "by-id", "1", id: Guid.NewGuid());
        await Log.AppendAsync(
            [
                new("orders.7.placed", "placed", "1"),
                new("orders.7.note", "note", "1"),
                new("orders.7.note.more", "more", "1"),
                byId,
                new("orders.7.notes", "notes", "1"),
            ],
            Stop
        );
        await open.WaitForEventsAsync(5);

        var erased = await EraseAsync(["orders.7.note", "orders.9"], byId.Id!.Value, Guid.Empty);
        Assert.Equal((1, 3, 0), (erased.Number, erased.Events, erased.OutboxRows));
        Assert.Equal(["orders.9", $"{Guid.Empty}"], erased.Unknown);

        var page = await Log.ReadAsync(new(), Stop);
        Assert.Equal(["placed", "notes"], page.Events.Select(e => e.Type));
        Assert.Equal((5, 5), (page.Head.Position, page.Events[1].At.Position));
        await Eventually.HoldsAsync(
            async () => (await ResumedAsync(open.Events.First().Id!)).SequenceEqual(["notes"]),
            "no stream has the erased events"
        );

        await _orders.ChangeAsync("7", "shipped");
        await open.WaitForEventsAsync(6);
        Assert.Empty(open.Resyncs);
    }

    [Fact]
    public async Task An_id_stays_spent_and_an_erasure_can_be_repeated()
    {
        var paid = new NewEvent("orders.7.paid", "paid", "1", id: Guid.NewGuid());
        var first = await Log.AppendAsync([paid], Stop);
        Assert.Equal(1, (await EraseAsync(["orders.7", "orders.9"], paid.Id!.Value, Guid.Empty)).Events);

        Assert.Equal(first, await Log.AppendAsync([paid], Stop));
        await Assert.ThrowsAsync<EventConflictException>(() => Log.AppendAsync([paid with { Data = "2" }], Stop));
        Assert.Empty((await Log.ReadAsync(new(), Stop)).Events);

        var again = await EraseAsync(["orders.7", "orders.9"], paid.Id!.Value, Guid.Empty);
        Assert.Equal((2, 0), (again.Number, again.Events));
        Assert.Empty(again.Unknown);
    }

    private Task<ErasureResult> EraseAsync(string[] topics, params Guid[] ids) =>
        Log.EraseAsync(
            new Erasure
            {
                Topics = topics,
                Ids = ids,
                Reason = "asked by its owner",
                By = "op",
            },
            Stop
        );

    /// <summary>Returns the types of the events that a resume gets up to the newest one.</summary>
    private async Task<string[]> ResumedAsync(string lastId)
    {
        await using var reader = await SseReader.OpenAtAsync(_orders.Server, "/public/7", lastId);
        await reader.WaitAsync(r => r.Events.Any(e => e.Event == "notes"));
        Assert.Empty(reader.Resyncs);
        return [.. reader.Events.Select(e => e.Event!)];
    }
}
