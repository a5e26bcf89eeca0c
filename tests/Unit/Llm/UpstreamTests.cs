using System.Text;
using LlmGateway;
using LlmGateway.Providers;
using Microsoft.AspNetCore.Http;
using Unit.Client;

namespace Unit.Llm;

/// <summary>Failures of the connection to a provider, and answers that are too large.</summary>
public sealed class UpstreamTests
{
    private const int MiB = 1024 * 1024;

    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task A_connect_that_takes_too_long_is_no_silent_model()
    {
        using var http = new HttpClient(new Unreachable());
        var failure = await Assert.ThrowsAsync<UpstreamException>(() => ReadAsync("http://x", http));
        Assert.Equal((502, "upstream", false), (failure.Status, failure.Reason, failure.IsStall));
        Assert.Contains("cannot be reached", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_of_more_than_64_MiB_fails_and_its_connection_is_closed()
    {
        var text = "data: {\"text\":\"" + new string('x', MiB) + "\"}\n\n";
        await using var server = await SseServer.StartAsync(context => AnswerAsync(context, text));
        await AssertTooLargeAsync(server, "MaxAnswerBytes");
    }

    [Fact]
    public async Task A_line_of_more_than_4_MiB_fails_and_its_connection_is_closed()
    {
        await using var server = await SseServer.StartAsync(context => AnswerAsync(context, new string('x', MiB)));
        await AssertTooLargeAsync(server, "event");
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r")]
    [InlineData("\r\n")]
    public async Task Data_lines_of_more_than_4_MiB_without_an_empty_line_fail(string newline)
    {
        var line = "data: " + new string('x', 64 * 1024) + newline;
        await using var server = await SseServer.StartAsync(context => AnswerAsync(context, line));
        await AssertTooLargeAsync(server, "event");
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r")]
    [InlineData("\r\n")]
    public async Task An_answer_of_many_events_may_be_larger_than_one_event(string newline)
    {
        var one = $"event: delta{newline}data: {{\"text\":\"{new string('x', 64 * 1024)}\"}}{newline}{newline}";
        await using var server = await SseServer.StartAsync(
            SseServer.Stream(string.Concat(Enumerable.Repeat(one, 99)))
        );
        Assert.Equal(99, await ReadAsync(server.Url));
    }

    [Theory]
    [InlineData("data: {\"a\":\ndata: 1}\n\n", 1)] // one event of two lines
    [InlineData("data: {\"a\":1}\ndata: {\"b\":2}\n\n", 2)] // two events without the empty line between them
    [InlineData("data: {\"a\":\ndata: {\"b\":2}\n\n", 1)] // a malformed line before an event
    [InlineData("data: {\"a\":1}", 1)] // the end without an empty line
    [InlineData("data: {\"a\":1}\n\ndata: [DONE]\n\ndata: {\"b\":2}\n\n", 2)] // the end, and nothing after it
    public async Task An_answer_with_lines_that_are_not_quite_the_standards_is_read(string answer, int events)
    {
        await using var server = await SseServer.StartAsync(SseServer.Stream(answer));
        Assert.Equal(events, await ReadAsync(server.Url));
    }

    [Fact]
    public async Task Of_an_error_without_end_only_the_beginning_is_read()
    {
        await using var server = await SseServer.StartAsync(async context =>
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await AnswerAsync(context, "no such model " + new string('x', MiB));
        });
        var failure = await Assert.ThrowsAsync<UpstreamException>(() => ReadAsync(server.Url));
        Assert.Equal(400, failure.Status);
        Assert.Contains("no such model", failure.Message, StringComparison.Ordinal);
        Assert.InRange(failure.Message.Length, 0, 3_000);
        await _gone.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_message_of_an_error_is_short_however_long_the_provider_makes_it()
    {
        var error = $$$"""{"error":{"message":"{{{new string('x', 20_000)}}}"}}""";
        await using var server = await SseServer.StartAsync(async context =>
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync(error);
        });
        var failure = await Assert.ThrowsAsync<UpstreamException>(() => ReadAsync(server.Url));

        Assert.InRange(failure.Message.Length, 1_000, 3_000);
    }

    private async Task AssertTooLargeAsync(SseServer server, string limit)
    {
        var failure = await Assert.ThrowsAsync<UpstreamException>(() => ReadAsync(server.Url, retries: 3));
        Assert.Equal((502, "too_large", false), (failure.Status, failure.Reason, failure.MayRetry));
        Assert.Contains(limit, failure.Message, StringComparison.Ordinal);

        await _gone.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Single(server.Requests);
    }

    /// <summary>Sends a text again and again until the client is gone: some megabytes would fit into the buffers of
    /// the connection, and an answer that has ended is not cut.</summary>
    private async Task AnswerAsync(HttpContext context, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        context.RequestAborted.Register(() => _gone.TrySetResult());
        while (!context.RequestAborted.IsCancellationRequested)
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    /// <summary>Reads an answer and returns the number of its events.</summary>
    private static async Task<int> ReadAsync(string url, HttpClient? http = null, int retries = 0)
    {
        using var own = new HttpClient();
        var options = new ProviderOptions { Retries = retries, BackoffMilliseconds = 1 };
        var upstream = new Upstream(ProviderAnswers.Provider(options), http ?? own);
        var events = 0;
        await foreach (var _ in upstream.ReadAsync(() => new HttpRequestMessage(HttpMethod.Post, url), null))
            events++;

        return events;
    }

    /// <summary>Fails as SocketsHttpHandler does at its ConnectTimeout.</summary>
    private sealed class Unreachable : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        ) => throw new TaskCanceledException("The operation was canceled.", new TimeoutException());
    }
}
