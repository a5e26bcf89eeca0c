using Microsoft.AspNetCore.Http;
using Streaming.Access;
using Streaming.Admission;

namespace Unit.Streaming;

/// <summary>Lets everybody do everything, as one client, or as the user that the request names.</summary>
internal sealed class Anyone : IStreamAccess
{
    public ClientKey ClientOf(HttpContext context) => ClientKey.OfUser(context.User.Identity?.Name ?? "anyone");

    public ClientKey ClientOfUser(string user) => ClientKey.OfUser(user);

    public bool HasExpired(HttpContext context) => context.Items.ContainsKey("expired");

    public StreamGrant GrantOf(HttpContext context) => StreamGrant.Endless;

    public bool MayRead(HttpContext context, string topic) => true;

    public string? OwnerOf(HttpContext context) => null;

    public TicketHolder HolderOf(HttpContext context) => new(User: null);
}
