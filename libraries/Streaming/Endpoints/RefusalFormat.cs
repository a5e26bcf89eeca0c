namespace Streaming.Endpoints;

/// <summary>Writes an endpoint's refusals, from the status, the detail and, if known, the time to wait.</summary>
internal sealed record RefusalFormat(Func<HttpContext, int, string, TimeSpan?, Task> Write);

internal static class RefusalFormatExtensions
{
    public static RouteHandlerBuilder RefusesAs(
        this RouteHandlerBuilder endpoint,
        Func<HttpContext, int, string, TimeSpan?, Task> write
    ) => endpoint.WithMetadata(new RefusalFormat(write));
}
