using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Claims;
using System.Security.Cryptography;

namespace Streaming.Access;

/// <summary>Names the caller of a request. No other code of the libraries reads a name or a subject.</summary>
internal static class CallerIdentity
{
    /// <summary>The property in which ASP.NET's token handlers keep the name of a claim that they renamed.</summary>
    private const string TokensName = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/ShortTypeName";

    public static bool IsSignedIn(ClaimsPrincipal user) => SignedIn(user).Any();

    /// <summary>Returns an opaque text that is equal for equal callers, made of the issuer and the subject (OpenID
    /// Connect Core §2), or of the name if there is no subject. Null for an anonymous caller, and for a credential that
    /// names nobody.</summary>
    /// <remarks>All identities of a caller identify it together, because many callers may share one of them. The name
    /// of a caller with a subject does not count, because names change.</remarks>
    public static string? IdOf(ClaimsPrincipal user)
    {
        var subjects = SignedIn(user).Where(identity => SubjectOf(identity) is not null).ToArray();
        var names = (subjects.Length > 0 ? subjects : SignedIn(user))
            .Select(NameOf)
            .OfType<string>()
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToArray();

        return names.Length == 0
            ? null
            : Base64Url.EncodeToString(SHA256.HashData(MemoryMarshal.AsBytes(Escaped(names).AsSpan())));
    }

    /// <summary>Returns the name that lists show. It must not be compared, because two callers may have the same
    /// name.</summary>
    public static string? ShownOf(ClaimsPrincipal user)
    {
        // No query, which would cost each stream of an unnamed caller a kilobyte.
        foreach (var identity in user.Identities)
            if (identity.IsAuthenticated && (identity.Name ?? FirstSubjectOf(identity)) is { } name)
                return name;

        return null;

        static string? FirstSubjectOf(ClaimsIdentity identity) =>
            identity.Claims.Any() ? SubjectOf(identity)?.Value : null;
    }

    private static IEnumerable<ClaimsIdentity> SignedIn(ClaimsPrincipal user) =>
        user.Identities.Where(identity => identity.IsAuthenticated);

    private static string? NameOf(ClaimsIdentity identity) =>
        SubjectOf(identity) is { } subject ? Escaped("subject", IssuerOf(subject, identity), subject.Value)
        : identity.Name is { } name && !string.IsNullOrWhiteSpace(name)
            ? Escaped("name", IssuerOf(identity.FindFirst(identity.NameClaimType), identity), name)
        : null;

    /// <summary>Returns the token's own subject, or else another id. Of several, the first in ordinal order counts,
    /// because the order of claims may change.</summary>
    private static Claim? SubjectOf(ClaimsIdentity identity) =>
        identity
            .Claims.Where(claim => IsSubject(claim) || claim.Type == ClaimTypes.NameIdentifier)
            .Where(claim => !string.IsNullOrWhiteSpace(claim.Value))
            .OrderBy(claim => IsSubject(claim) ? 0 : 1)
            .ThenBy(claim => claim.Value, StringComparer.Ordinal)
            .FirstOrDefault();

    private static bool IsSubject(Claim claim) =>
        claim.Type == "sub" || (claim.Properties.TryGetValue(TokensName, out var name) && name == "sub");

    /// <summary>Returns the issuer of a claim. Claims that an application makes itself have the default issuer, so the
    /// identity's <c>AuthenticationType</c> stands in for it.</summary>
    private static string IssuerOf(Claim? claim, ClaimsIdentity identity) =>
        claim?.Issuer is { Length: > 0 } issuer && issuer != ClaimsIdentity.DefaultIssuer
            ? Escaped("issuer", issuer)
            : Escaped("kind", identity.AuthenticationType!);

    /// <summary>Joins texts, each with its length, so that no text can imitate another.</summary>
    private static string Escaped(params string[] texts) =>
        string.Concat(texts.Select(text => $"{text.Length}:{text}"));
}
