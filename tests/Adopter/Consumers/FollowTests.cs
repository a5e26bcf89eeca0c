using Adopter.Appending;

namespace Adopter.Consumers;

/// <summary>Readers of the log that take and keep places, in Postgres and in memory.</summary>
public sealed class FollowTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_follower_gets_stored_and_new_events_once_and_in_order(bool isStored)
    {
        await using var app = await StartAsync(isStored);
        var log = app.Log();
        var stored = await log.AppendAsync(Events(5), Stop);

        var following = log.FollowAsync(stored[1].At, new EventFilter([$"orders.>"]), Stop)
            .Take(123)
            .ToArrayAsync(Stop);
        var appended = await Task.WhenAll(
            Enumerable
                .Range(0, 4)
                .Select(async _ =>
                {
                    var places = new List<StreamPosition>();
                    for (var n = 0; n < 10; n++)
                        places.AddRange((await log.AppendAsync(Events(3), Stop)).Select(e => e.At));
                    await log.AppendAsync("other.1", "n", 1, cancellationToken: Stop);
                    return places;
                })
        );

        Assert.Equal(
            stored.Skip(2).Select(e => e.At).Concat(appended.SelectMany(p => p)).OrderBy(at => at.Position),
            (await following).Select(e => e.At)
        );
        await app.StopAsync(Stop);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_checkpoint_moves_on_past_events_that_do_not_match(bool isStored)
    {
        await using var app = await StartAsync(isStored);
        var log = app.Log();
        var read = new EventRead { Filter = new EventFilter(["rare.1"]) };

        await using var pages = log.FollowPagesAsync(read, Stop).GetAsyncEnumerator(Stop);
        Assert.True(await pages.MoveNextAsync());
        var next = pages.MoveNextAsync().AsTask();
        var appended = await log.AppendAsync("frequent.1", "n", 1, cancellationToken: Stop);

        Assert.True(await next);
        Assert.Empty(pages.Current.Events);
        Assert.Equal(appended.At, pages.Current.Next);
        await app.StopAsync(Stop);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_place_that_the_log_does_not_have_is_refused_with_the_place_to_go_on_from(bool isStored)
    {
        await using var app = await StartAsync(isStored);
        var log = app.Log();
        var head = (await log.AppendAsync(Events(3), Stop))[^1].At;

        await RefusedAsync(new StreamPosition("other", 2), ResyncReason.Epoch, head with { Position = 0 });
        await RefusedAsync(head with { Position = 4 }, ResyncReason.Future, head);
        Assert.Empty((await log.ReadAsync(new() { After = head }, Stop)).Events);
        await app.StopAsync(Stop);

        async Task RefusedAsync(StreamPosition after, ResyncReason reason, StreamPosition resumeFrom)
        {
            foreach (
                var read in (Func<Task>[])
                    [
                        () => log.ReadAsync(new() { After = after }, Stop),
                        () => log.FollowAsync(after, cancellationToken: Stop).FirstAsync(Stop).AsTask(),
                    ]
            )
            {
                var refused = await Assert.ThrowsAsync<ResyncException>(read);
                Assert.Equal((reason, after, resumeFrom), (refused.Reason, refused.Requested, refused.ResumeFrom));
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_follower_ends_when_it_is_cancelled(bool isStored)
    {
        await using var app = await StartAsync(isStored);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var following = app.Log().FollowAsync(after: null, cancellationToken: stop.Token).FirstAsync(Stop).AsTask();

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
        await app.StopAsync(Stop);
    }

    private static NewEvent[] Events(int count) =>
        [.. Enumerable.Range(1, count).Select(n => new NewEvent($"orders.{n}", "n", "1"))];

    private static async Task<WebApplication> StartAsync(bool isStored) =>
        await LogApp.StartAsync(isStored ? (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString : null);
}
