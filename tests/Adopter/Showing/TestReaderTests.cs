using AspireSse.Testing;

namespace Adopter.Showing;

/// <summary>Tests of an application that read a stream by <see cref="EventStreamReader"/>.</summary>
public sealed class TestReaderTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_reader_that_still_waits_for_the_next_event_is_disposed()
    {
        await using var app = await SmallApp.StartAsync(app =>
            app.MapGet("/news", () => TypedResults.EventStream("news.all")).AllowAnonymous()
        );

        var stream = await app.Client.OpenEventStreamAsync("/news");
        await stream.NextAsync("connected");
        var next = stream.NextAsync();
        Assert.False(next.IsCompleted);
        await stream.DisposeAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        await Eventually.HoldsAsync(async () => (await app.OpenStreamsAsync()).Length == 0, "the stream has ended");
    }
}
