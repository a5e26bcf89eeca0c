using System.Net;
using Harness;
using Integration.Llm;

namespace Integration.Delivery;

/// <summary>A stream that is resumed while Postgres is away is put off, since 503 stops a browser for good.</summary>
public sealed class PutOffTests
{
    [Fact]
    public async Task Without_Postgres_a_resuming_reader_of_any_stream_is_asked_to_reconnect()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var system = await World.Start(o => o.Broadcasters(0).Set(LlmSystem.Settings(upstream)));
        var replica = system.Replicas[0];
        var id = await LlmSystem.GenerateAsync(replica, "an answer to read twice");
        await using var reader = await SseReader.OpenAsync(replica.Url, LlmSystem.Stream(id));

        await reader.WaitForEventsAsync(1);
        var last = reader.LastId;
        Assert.NotNull(last);
        system.Postgres.Cut();
        await IsPutOffAsync(replica, LlmSystem.Stream(id), last);
        await IsPutOffAsync(replica, "/stream?prompt=hi", last);
        await IsPutOffAsync(replica, "/sse/resilient/s1", last);
        await IsPutOffAsync(replica, "/sse/resilient/s1", "1");
        await IsRefusedAsync(replica, LlmSystem.Stream(id));

        // A replica that starts meanwhile knows no position yet.
        var late = await system.StartWithoutStoreAsync();

        foreach (var path in (string[])["/v1/events/stream", "/sse/events", "/events/stream"])
        {
            await IsPutOffAsync(late, path, last);
            await IsRefusedAsync(late, path);
        }
    }

    private static async Task IsPutOffAsync(RunningService replica, string path, string last)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(replica.Url, path));
        request.Headers.TryAddWithoutValidation("Last-Event-ID", last);
        using var response = await LlmSystem.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal((path, HttpStatusCode.OK), (path, response.StatusCode));
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Matches("^: .+\nevent: position\nretry: [0-9]+\ndata: {}\n\n$", body);
    }

    /// <summary>A new stream gets the status that its client can read.</summary>
    private static async Task IsRefusedAsync(RunningService replica, string path)
    {
        using var fresh = await LlmSystem.Http.GetAsync(
            new Uri(replica.Url, path),
            TestContext.Current.CancellationToken
        );
        Assert.Equal((path, HttpStatusCode.ServiceUnavailable), (path, fresh.StatusCode));
        Assert.NotNull(fresh.Headers.RetryAfter);
    }
}
