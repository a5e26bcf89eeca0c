using LlmGateway;
using LlmGateway.Providers;
using Microsoft.Extensions.Logging.Abstractions;

namespace Unit.Llm;

/// <summary>Failures of the connection to a provider.</summary>
public sealed class UpstreamTests
{
    [Fact]
    public async Task A_connect_that_takes_too_long_is_no_silent_model()
    {
        using var http = new HttpClient(new Unreachable());
        var upstream = new Upstream(
            "local",
            http,
            new ProviderOptions { Retries = 0 },
            TimeProvider.System,
            NullLogger.Instance
        );
        var failure = await Assert.ThrowsAsync<UpstreamException>(async () =>
        {
            await foreach (var _ in upstream.ReadAsync(() => new HttpRequestMessage(HttpMethod.Post, "http://x"), null))
            { }
        });
        Assert.Equal((502, "upstream", false), (failure.Status, failure.Reason, failure.IsStall));
        Assert.Contains("cannot be reached", failure.Message, StringComparison.Ordinal);
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
