namespace Streaming.Endpoints;

/// <summary>The format in which an endpoint refuses a request: status, detail and, where known, the time to
/// wait.</summary>
internal sealed record RefusalFormat(Func<HttpContext, int, string, TimeSpan?, Task> Write);

internal static class RefusalFormatExtensions
{
    public static RouteHandlerBuilder RefusesAs(
        this RouteHandlerBuilder endpoint,
        Func<HttpContext, int, string, TimeSpan?, Task> write
    ) => endpoint.WithMetadata(new RefusalFormat(write));
}
