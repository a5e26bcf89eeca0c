// Stands in for Microsoft.Extensions.Http.Resilience. Not affiliated with Microsoft or the .NET Foundation.
namespace Polly;

public static class HttpResilienceContextExtensions
{
    internal static readonly ResiliencePropertyKey<HttpRequestMessage?> RequestMessage = new(
        "Resilience.Http.RequestMessage"
    );

    public static HttpRequestMessage? GetRequestMessage(this ResilienceContext context) =>
        context.Properties.GetValue(RequestMessage, null);
}
