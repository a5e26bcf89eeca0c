using System.Net;

namespace Integration.Llm;

/// <summary>A server without a free place for a stream refuses the vendors' clients in the vendors' formats.</summary>
public sealed class VendorCapacityTests(VendorCapacityTests.Crowded fixture)
    : IClassFixture<VendorCapacityTests.Crowded>
{
    /// <summary>A replica with two places, one for each client; a client that resumes may take both.</summary>
    public sealed class Crowded : SharedLlmSystem
    {
        protected override Dictionary<string, string> Settings =>
            new(base.Settings)
            {
                ["AspireSse__Streaming__MaxConnections"] = "2",
                ["AspireSse__Streaming__MaxConnectionsPerClient"] = "1",
                ["AspireSse__Streaming__ResumeReservePercent"] = "0",
            };
    }

    [Fact]
    public async Task A_stream_without_a_place_is_refused_in_the_vendors_format()
    {
        var url = fixture.System.Replicas[0].Url;
        // A refused request must not cost the provider's tokens.
        var prompt = fixture.Upstream.On(request => request.RefuseAsync(500, "was asked"));
        await using var first = await SseReader.OpenAtAsync(url, "/v1/events/stream?topic=crowd");

        await AreRefusedAsync(HttpStatusCode.TooManyRequests, "rate_limit_error", "rate_limit_error");
        await using var resumed = await SseReader.OpenAtAsync(url, "/v1/events/stream?topic=crowd", first.LastId);
        await AreRefusedAsync(HttpStatusCode.ServiceUnavailable, "server_error", "overloaded_error");
        Assert.Equal(0, fixture.Upstream.Attempts(prompt));

        async Task AreRefusedAsync(HttpStatusCode status, string openAi, string anthropic)
        {
            var question = LlmSystem.VendorQuestion(prompt);
            foreach (
                var (path, type) in ((string, string)[])[("/v1/chat/completions", openAi), ("/v1/messages", anthropic)]
            )
            {
                using var response = await LlmSystem.PostAsync(fixture.System.Replicas[0], path, question);
                Assert.Equal(TimeSpan.FromSeconds(5), response.Headers.RetryAfter?.Delta);
                await VendorErrorTests.IsRefusedAsync(response, path, status, type);
            }
        }
    }
}
