using System.Net;

namespace Adopter.Callers;

/// <summary>Sends a request again after a 503, as it asks, for a minute at most: on a slow machine a process may lose
/// its lease on runs for a moment.</summary>
internal sealed class RetryingHandler() : DelegatingHandler(new SocketsHttpHandler())
{
    private const int Tries = 30;

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        for (var tried = 1; ; tried++)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            if (answer.StatusCode != HttpStatusCode.ServiceUnavailable || tried == Tries)
                return answer;

            var wait = answer.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(2);
            answer.Dispose();
            await Task.Delay(wait, cancellationToken);
        }
    }
}
