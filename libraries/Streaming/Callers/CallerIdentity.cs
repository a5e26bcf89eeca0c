using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Claims;
using System.Security.Cryptography;

namespace Streaming.Callers;

/// <summary>Names the caller of a request. No other code of the libraries reads a name or a subject.</summary>
internal static class CallerIdentity
{
    private static readonly string[] Subjects = ["sub", ClaimTypes.NameIdentifier];

    public static bool IsSignedIn(ClaimsPrincipal user) => SignedIn(user).Any();

    /// <summary>Returns an opaque text that is equal for equal callers: of the issuer and the subject (OpenID Connect
    /// Core §2), or the name where there is no subject. Null: anonymous, or a credential that names nobody.</summary>
    /// <remarks>A caller with several identities is all of them: one of them alone may be shared by many.</remarks>
    public static string? IdOf(ClaimsPrincipal user)
    {
        var names = SignedIn(user)
            .Select(NameOf)
            .OfType<string>()
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToArray();

        return names.Length == 0
            ? null
            : Base64Url.EncodeToString(SHA256.HashData(MemoryMarshal.AsBytes(Escaped(names).AsSpan())));
    }

    /// <summary>Returns the caller as lists show it, never to be compared: two may have one name.</summary>
    public static string? ShownOf(ClaimsPrincipal user) =>
        SignedIn(user)
            .Select(identity => identity.Name ?? SubjectOf(identity)?.Value)
            .FirstOrDefault(n => n is not null);

    private static IEnumerable<ClaimsIdentity> SignedIn(ClaimsPrincipal user) =>
        user.Identities.Where(identity => identity.IsAuthenticated);

    private static string? NameOf(ClaimsIdentity identity) =>
        SubjectOf(identity) is { } subject ? Escaped("subject", IssuerOf(subject, identity), subject.Value)
        : identity.Name is { Length: > 0 } name
            ? Escaped("name", IssuerOf(identity.FindFirst(identity.NameClaimType), identity), name)
        : null;

    private static Claim? SubjectOf(ClaimsIdentity identity) =>
        Subjects.Select(identity.FindFirst).FirstOrDefault(claim => claim is { Value.Length: > 0 });

    /// <summary>Claims that an application makes itself have the default issuer, so their kind tells them
    /// apart.</summary>
    private static string IssuerOf(Claim? claim, ClaimsIdentity identity) =>
        claim?.Issuer is { Length: > 0 } issuer && issuer != ClaimsIdentity.DefaultIssuer
            ? Escaped("issuer", issuer)
            : Escaped("kind", identity.AuthenticationType!);

    /// <summary>Joins texts so that no content of one imitates another: each with its length.</summary>
    private static string Escaped(params string[] texts) =>
        string.Concat(texts.Select(text => $"{text.Length}:{text}"));
}
