namespace Streaming.Refusals;

/// <summary>Writes an endpoint's refusals, from the status, the detail and, if known, the time to wait. It is metadata
/// of the endpoint, or a feature of a request whose endpoint decides by the request.</summary>
internal sealed record RefusalFormat(Func<HttpContext, int, string, TimeSpan?, Task> Write);

internal static class RefusalFormatExtensions
{
    public static RouteHandlerBuilder RefusesAs(
        this RouteHandlerBuilder endpoint,
        Func<HttpContext, int, string, TimeSpan?, Task> write
    ) => endpoint.WithMetadata(new RefusalFormat(write));

    public static Task RefuseAsync(this HttpContext context, InvalidRequestException refused) =>
        context.OwnFormat() is { } format
            ? format.Write(context, refused.Status, $"{refused.Field}: {refused.Problem}", null)
            : refused.ToResult().ExecuteAsync(context);

    public static RefusalFormat? OwnFormat(this HttpContext context) =>
        context.Features.Get<RefusalFormat>() ?? context.GetEndpoint()?.Metadata.GetMetadata<RefusalFormat>();
}
