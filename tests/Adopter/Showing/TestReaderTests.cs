using System.Net;
using AspireSse.Testing;
using Microsoft.AspNetCore.TestHost;

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

    [Theory]
    [InlineData("/silent", "/silent has not answered")]
    [InlineData("/endless", "/endless answered 200 with application/json instead of an event stream")]
    public async Task An_answer_that_is_late_is_named(string uri, string message)
    {
        await using var app = await SmallApp.StartAsync(app =>
        {
            app.MapGet("/silent", (CancellationToken left) => Task.Delay(Timeout.InfiniteTimeSpan, left));
            app.MapGet(
                "/endless",
                async (HttpResponse response, CancellationToken left) =>
                {
                    response.ContentType = "application/json";
                    await response.WriteAsync("[1,", left);
                    await Task.Delay(Timeout.InfiniteTimeSpan, left);
                }
            );
        });

        var late = await Assert.ThrowsAsync<TimeoutException>(() =>
            app.Client.OpenEventStreamAsync(uri, patience: TimeSpan.FromSeconds(1))
        );

        Assert.StartsWith(message, late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_that_breaks_off_has_its_status()
    {
        await using var app = await StartInMemoryAsync(app =>
            app.MapGet(
                "/refused",
                async (HttpResponse response) =>
                {
                    response.StatusCode = 403;
                    await response.WriteAsync("No", Stop);
                    await response.Body.FlushAsync(Stop);
                    throw new InvalidDataException("The source is broken.");
                }
            )
        );

        var refused = await Assert.ThrowsAsync<HttpRequestException>(() =>
            app.GetTestClient().OpenEventStreamAsync("/refused")
        );

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.StartsWith("/refused answered 403", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_breaks_off_says_what_came()
    {
        var isRead = new TaskCompletionSource();
        await using var app = await StartInMemoryAsync(app =>
            app.MapGet("/news", () => TypedResults.ServerSentEvents(NewsAsync(), "added"))
        );

        await using var stream = await app.GetTestClient().OpenEventStreamAsync("/news");
        await stream.NextAsync("added");
        isRead.SetResult();
        var broken = await Assert.ThrowsAsync<IOException>(() => stream.NextAsync());

        Assert.StartsWith("The stream broke off", broken.Message, StringComparison.Ordinal);
        Assert.Contains("The source is broken.", broken.Message, StringComparison.Ordinal);
        Assert.EndsWith("added tea", broken.Message, StringComparison.Ordinal);

        async IAsyncEnumerable<string> NewsAsync()
        {
            yield return "tea";
            await isRead.Task;
            throw new InvalidDataException("The source is broken.");
        }
    }

    private static async Task<WebApplication> StartInMemoryAsync(Action<WebApplication> map)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseTestServer();
        var app = builder.Build();
        map(app);
        await app.StartAsync(Stop);
        return app;
    }
}
