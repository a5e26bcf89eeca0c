using System.Net;
using System.Text;
using AspireSse.Client;
using LocalServices;
using Microsoft.AspNetCore.Http;
using static Unit.Client.Reading;
using static Unit.Client.SseServer;

namespace Unit.Client;

public class ReconnectTests
{
    [Fact]
    public async Task A_stream_starts_after_the_id_it_is_given_and_says_where_it_is()
    {
        await using var server = await StartAsync(Stream("id: 8\ndata: a\n\n"), Status(204));
        using var client = new SseClient();
        var stream = client.Open(new SseRequest(server.Url) { LastEventId = "7" }, Quick);

        Assert.Equal("7", stream.LastEventId);
        Assert.Equal("8", Assert.Single(await ReadAsync(stream)).Id);
        Assert.Equal("8", stream.LastEventId);
        Assert.Equal(["7", "8"], server.Requests.Select(r => r.LastEventId));
        Assert.Equal(SseStreamState.Closed, stream.State);
    }

    [Fact]
    public async Task An_id_beyond_ASCII_is_sent_as_UTF8()
    {
        await using var server = await StartAsync(Stream("retry: 1\n\nid: …\ndata: a\n\n"), Status(204));
        await ReadAsync(server);
        Assert.Equal("…", server.Requests[1].LastEventId);
    }

    [Fact]
    public async Task An_id_beyond_ASCII_goes_into_the_query_where_the_handler_may_not_send_it()
    {
        await using var server = await StartAsync(Stream("retry: 1\n\nid: …\ndata: a\n\n"), Status(204));
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan, BaseAddress = new Uri(server.Url) };
        using var client = new SseClient(http);
        await ReadAsync(client.Open("/events?topic=x", Quick));
        Assert.Equal("/events?topic=x&last_event_id=%E2%80%A6", server.Requests[1].Target);
    }

    [Fact]
    public async Task An_id_in_the_query_replaces_that_of_the_callers_headers()
    {
        await using var server = await StartAsync(Stream("retry: 1\n\nid: …\ndata: a\n\n"), Status(204));
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        using var client = new SseClient(http);
        var headers = new Dictionary<string, string> { ["last-event-id"] = "start" };
        await ReadAsync(client.Open(new SseRequest(server.Url) { Headers = headers }, Quick));
        Assert.Equal(["start", null], server.Requests.Select(r => r.LastEventId));
    }

    [Fact]
    public async Task A_bare_id_ends_the_sending_of_ids()
    {
        await using var server = await StartAsync(Stream("retry: 1\n\nid: 1\ndata: a\n\nid\n\n"), Status(204));
        await ReadAsync(server);
        Assert.Null(server.Requests[1].LastEventId);
    }

    [Theory]
    [InlineData("text/event-stream", true)]
    [InlineData("text/event-stream; charset=windows-1252", true)]
    [InlineData("TEXT/Event-Stream;", true)]
    [InlineData("text/event-stream-x", false)]
    [InlineData("application/json", false)]
    [InlineData("text/html", false)]
    public async Task Only_an_event_stream_is_read_and_always_as_UTF8(string contentType, bool opens)
    {
        await using var server = await StartAsync(
            async context =>
            {
                context.Response.Headers.ContentType = contentType;
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes("data: é\n\n"));
            },
            Status(204)
        );
        if (opens)
            Assert.Equal("é", Assert.Single(await ReadAsync(server)).Data);
        else
            Assert.Equal(SseError.WrongContentType, (await FailAsync(server)).Error);
    }

    [Fact]
    public async Task The_servers_problem_details_are_in_the_exception()
    {
        await using var server = await StartAsync(async context =>
        {
            context.Response.StatusCode = 400;
            context.Response.ContentType = "application/problem+json";
            await context.Response.WriteAsync(
                """
                {"title":"Invalid request","status":400,"detail":"topic: is no pattern",
                "errors":{"topic":["is no pattern"]}}
                """
            );
        });
        var exception = await FailAsync(server);
        Assert.Equal((SseError.Rejected, HttpStatusCode.BadRequest), (exception.Error, exception.StatusCode));
        Assert.Equal("Invalid request", exception.Problem?.Title);
        Assert.Equal("is no pattern", exception.Problem?.Extensions?["errors"].GetProperty("topic")[0].GetString());
        Assert.Contains("topic: is no pattern", exception.Message);
    }

    [Fact]
    public async Task After_the_retries_in_a_row_the_stream_ends_with_the_last_reason()
    {
        await using var server = await StartAsync(
            Stream("data: a\n\n"),
            Status(503),
            Status(503),
            Stream("data: b\n\n"),
            Status(503)
        );
        var seen = new List<string>();
        var exception = await FailAsync(server, Quick with { MaxRetries = 3 }, one => seen.Add(one.Data));

        Assert.Equal(["a", "b"], seen);
        Assert.Equal(
            (SseError.RetriesExhausted, HttpStatusCode.ServiceUnavailable),
            (exception.Error, exception.StatusCode)
        );
        Assert.Equal(7, server.Requests.Count);
    }

    [Fact]
    public async Task A_server_that_only_says_connected_exhausts_the_retries_of_a_client_that_handles_it()
    {
        await using var server = await StartAsync(
            Broken(
                """
                event: connected
                data: {"connectionId":"c","replica":"a","epoch":"e","head":"e-0"}


                """
            )
        );
        var attempts = new List<int>();
        var options = Quick with
        {
            MaxRetries = 3,
            OnReconnecting = r => attempts.Add(r.Attempt),
            OnConnected = (_, _) => ValueTask.CompletedTask,
        };
        var exception = await FailAsync(server, options);

        Assert.Equal(SseError.RetriesExhausted, exception.Error);
        Assert.Equal([1, 2, 3], attempts);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_sought_until_it_is()
    {
        var port = LoopbackPort.Take(0, "a test", "any");
        var attempts = new List<SseReconnect>();
        var sought = new TaskCompletionSource();
        using var client = new SseClient();
        var options = Quick with
        {
            MaxRetries = null, // a server that starts slowly is sought until then
            OnReconnecting = reconnect =>
            {
                attempts.Add(reconnect);
                if (reconnect.Attempt == 3)
                    sought.TrySetResult();
            },
        };

        await using var events = client
            .Open($"http://127.0.0.1:{port}/", options)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var first = events.MoveNextAsync();
        await sought.Task.WaitAsync(TestContext.Current.CancellationToken);

        await using var server = await StartAsync(port, Open("data: at last\n\n"));
        Assert.True(await first);
        Assert.Equal("at last", events.Current.Data);
        Assert.All(attempts, a => Assert.Equal(SseError.Disconnected, Assert.IsType<SseException>(a.Reason).Error));
    }

    [Theory]
    [InlineData(SseStreamState.Open)]
    [InlineData(SseStreamState.Waiting)]
    public async Task Disposing_the_client_ends_its_streams(SseStreamState state)
    {
        const string Frames = "retry: 60000\n\ndata: a\n\n";
        await using var server = await StartAsync(state == SseStreamState.Open ? Open(Frames) : Stream(Frames));
        // If the rule is broken, the stream has no end.
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        timeout.CancelAfter(TimeSpan.FromSeconds(10));
        using var client = new SseClient();
        var stream = client.Open(server.Url);
        await using var events = stream.GetAsyncEnumerator(timeout.Token);

        Assert.True(await events.MoveNextAsync());
        var next = events.MoveNextAsync().AsTask();
        await Eventually.HoldsAsync(() => stream.State == state);
        client.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => next);
        Assert.Equal(SseStreamState.Closed, stream.State);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            await foreach (var _ in stream) { }
        });
    }
}
