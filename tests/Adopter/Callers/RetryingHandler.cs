namespace Adopter.Callers;

/// <summary>Sends a request again while its server is busy.</summary>
internal sealed class RetryingHandler() : DelegatingHandler(new SocketsHttpHandler())
{
    protected override Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    ) => BusyServer.AskAsync(() => base.SendAsync(request, cancellationToken), cancellationToken);
}
