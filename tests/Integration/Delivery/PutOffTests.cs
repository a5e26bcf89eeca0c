using System.Net;
using Integration.Llm;
using Stack;

namespace Integration.Delivery;

/// <summary>A stream that is resumed while Postgres is away is put off, since 503 stops a browser for good.</summary>
public sealed class PutOffTests(StackFixture stack)
{
    [Fact]
    public async Task A_resuming_reader_of_every_kind_of_stream_is_put_off_while_Postgres_is_away()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var system = await DeliverySystem.StartAsync(
            stack,
            broadcasters: 0,
            settings: LlmSystem.Settings(upstream)
        );
        var replica = system.Replicas[0];
        var id = await LlmSystem.GenerateAsync(replica, "an answer to read twice");
        await using var reader = await SseReader.OpenAsync(replica.Url, LlmSystem.Stream(id));
        await reader.WaitForEventsAsync(1);
        var last = reader.LastId;
        Assert.NotNull(last);
        string[] paths = [LlmSystem.Stream(id), "/stream?prompt=hi", "/sse/resilient/s1"];
        system.Postgres.Cut();
        foreach (var path in paths)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(replica.Url, path));
            request.Headers.TryAddWithoutValidation("Last-Event-ID", last);
            using var response = await LlmSystem.Http.SendAsync(request, TestContext.Current.CancellationToken);
            var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.Equal((path, HttpStatusCode.OK), (path, response.StatusCode));
            Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
            Assert.Matches("^retry: [0-9]+\n", body);
            Assert.DoesNotContain("data:", body, StringComparison.Ordinal);
        }
        // A new stream gets the status that its client can read.
        using var fresh = await LlmSystem.Http.GetAsync(
            new Uri(replica.Url, paths[0]),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.ServiceUnavailable, fresh.StatusCode);
    }
}
