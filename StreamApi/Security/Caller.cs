using System.Security.Claims;

namespace StreamApi.Security;

/// <summary>Who made a request, and what they may do. Found once, at the request; a stream keeps only what its end needs of it.</summary>
/// <param name="User">The subject of the token, the key's name, the ticket's user; null for who needs none (Development, on this machine).</param>
/// <param name="Grants">The topics.</param>
/// <param name="Until">When the authorization ends; null: never by itself.</param>
/// <param name="Ticket">The ticket's id, where it came by one.</param>
internal sealed record Caller(string? User, TopicGrants Grants, DateTimeOffset? Until = null, Guid? Ticket = null)
{
    /// <summary>Longest name, in characters: it is logged and listed.</summary>
    public const int MaxName = 256;

    private static readonly Caller Nobody = new(null, TopicGrants.None);

    public static Caller Of(HttpContext context) => context.Features.Get<Caller>() ?? Nobody;

    public ClaimsPrincipal Principal(string scheme) => new(new ClaimsIdentity(User is null ? [] : [new Claim("sub", User)], scheme, "sub", null));
}
