using System.Security.Claims;
using StreamApi.Replicas;

namespace StreamApi.Security;

/// <summary>Who made a request, and what they may do. Found once, at the request; a stream keeps only what its end
/// needs of it.</summary>
/// <param name="User">Made by <see cref="UserOfToken"/> or <see cref="UserOfKey"/>, or the ticket's; null for who needs
/// none (Development, on this machine).</param>
/// <param name="Grants">The topics.</param>
/// <param name="Until">When the authorization ends; null: never by itself.</param>
/// <param name="Ticket">The ticket's id, where it came by one.</param>
internal sealed record Caller(string? User, TopicGrants Grants, DateTimeOffset? Until = null, Guid? Ticket = null)
{
    /// <summary>Longest name, in characters: it is logged and listed.</summary>
    public const int MaxName = 256;

    /// <summary>The user of requests that another replica makes.</summary>
    public const string Replica = "replica:";

    private static readonly string[] Reserved = ["key:", "sub:", Replica];
    private static readonly Caller Nobody = new(null, TopicGrants.None);

    /// <summary>
    /// A token's subject as it is, or after <c>sub:</c> where it looks like another kind of user. Without kinds a key
    /// named
    /// "alice" and a token for "alice" would share limits, sessions and generations.
    /// </summary>
    public static string UserOfToken(string subject) =>
        Reserved.Any(kind => subject.StartsWith(kind, StringComparison.Ordinal)) ? "sub:" + subject : subject;

    /// <summary><c>key:</c> and the key's name.</summary>
    public static string UserOfKey(string name) => "key:" + name;

    public static Caller Of(HttpContext context) => context.Features.Get<Caller>() ?? Nobody;

    public ClaimsPrincipal Principal(string scheme) =>
        new(new ClaimsIdentity(User is null ? [] : [new Claim("sub", User)], scheme, "sub", null));
}
