using System.Buffers.Text;
using System.Security.Claims;
using System.Security.Cryptography;

namespace StreamApi.Security;

/// <summary>
/// The user behind a request and the topics it may use. Determined once per request; a stream keeps its grants and
/// expiry.
/// </summary>
/// <param name="User">From <see cref="UserOfToken"/>, <see cref="UserOfKey"/> or the ticket. Null in Development on
/// this machine, where no user is required.</param>
/// <param name="Grants">Topics that the caller may read and publish to.</param>
/// <param name="Until">Expiry of the credential, or null if it has none.</param>
/// <param name="Ticket">Id of the ticket, if the caller used one.</param>
/// <param name="Key">Fingerprint of the API key, or of the token's signing key, or null for other credentials.</param>
internal sealed record Caller(
    string? User,
    TopicGrants Grants,
    DateTimeOffset? Until = null,
    Guid? Ticket = null,
    string? Key = null
)
{
    /// <summary>Maximum length of a user name in characters. Names are logged and listed.</summary>
    public const int MaxName = 256;

    /// <summary>User name of requests between replicas.</summary>
    public const string Replica = "replica:";

    private static readonly string[] Reserved = ["key:", "sub:", Replica];
    private static readonly Caller Anonymous = new(null, TopicGrants.None);

    /// <summary>This machine in Development, without a credential.</summary>
    public static readonly Caller Local = new(null, TopicGrants.All);

    /// <summary>
    /// The token's subject, prefixed with <c>sub:</c> if it looks like another kind of user. Without kinds, a key named
    /// "alice" and a token for "alice" would share limits, sessions and generations.
    /// </summary>
    public static string UserOfToken(string subject) =>
        Reserved.Any(kind => subject.StartsWith(kind, StringComparison.Ordinal)) ? "sub:" + subject : subject;

    /// <summary>The key's name, prefixed with <c>key:</c>.</summary>
    public static string UserOfKey(string name) => "key:" + name;

    /// <summary>True for a user of <see cref="UserOfKey"/>.</summary>
    public static bool IsKey(string user) => user.StartsWith("key:", StringComparison.Ordinal);

    /// <summary>A short hash of a key, by which its tickets name it.</summary>
    public static string FingerprintOf(ReadOnlySpan<byte> key) =>
        Base64Url.EncodeToString(SHA256.HashData(key).AsSpan(0, 9));

    public static Caller Of(HttpContext context) => context.Features.Get<Caller>() ?? Anonymous;

    /// <summary>
    /// The client of a request: its user, or else its address. The holder of a ticket that an API key bought is a
    /// person of its own, since a key serves many; the tickets of a token are its one user.
    /// </summary>
    public static ClientKey KeyOf(HttpContext context) =>
        Of(context) switch
        {
            { User: { } key, Ticket: { } ticket } when IsKey(key) => ClientKey.OfPerson(key, ticket),
            { User: { } user } => ClientKey.OfUser(user),
            _ => ClientKey.OfAddress(context.Connection.RemoteIpAddress),
        };

    /// <summary>Key for fair queueing of publishes: the person, or the connection where there are no users.</summary>
    public static string PublisherOf(HttpContext context) =>
        Of(context).User is null ? context.Connection.Id : KeyOf(context).Person;

    public bool MayRead(string topic) => Grants.MayRead(topic);

    /// <summary>The user as owner of what it begins, or null without one, and for a ticket, which is for its topics
    /// alone.</summary>
    public string? Owner => Ticket is null ? User : null;

    /// <summary>The client of a request, for fair turns.</summary>
    public static string ClientOf(HttpContext context) => KeyOf(context).Person;

    public ClaimsPrincipal Principal(string scheme) =>
        new(new ClaimsIdentity(User is null ? [] : [new Claim("sub", User)], scheme, "sub", null));
}
