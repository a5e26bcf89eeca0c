using Microsoft.AspNetCore.Http;

namespace Unit.Streaming;

/// <summary>Lets everybody do everything, as one client, or as the user that the request names.</summary>
internal sealed class Anyone : IStreamAccess
{
    public ClientKey ClientOf(HttpContext context) => ClientKey.OfUser(context.User.Identity?.Name ?? "anyone");

    public StreamCaller CallerOf(HttpContext context) =>
        new() { Until = context.Items.ContainsKey("expired") ? DateTimeOffset.MinValue : null };

    public bool MayRead(HttpContext context, string topic) => true;

    public string? OwnerOf(HttpContext context) => null;
}
