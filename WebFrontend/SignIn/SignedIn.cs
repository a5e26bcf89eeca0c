using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace WebFrontend.SignIn;

/// <summary>
/// A visitor's credential, in a cookie that no script can read, that goes to no other site and comes with no other site's request, sealed with this
/// server's keys: one that opens was accepted by StreamApi at the sign-in.
/// </summary>
internal sealed class SignedIn(IDataProtectionProvider protection)
{
    /// <summary>Of this host alone (RFC 6265bis §4.1.3.2): no other name of the domain can set it.</summary>
    private const string Cookie = "__Host-signed-in";

    /// <summary>Most characters of a credential: what browsers keep in a cookie, after sealing.</summary>
    public const int MaxLength = 2_500;

    private static readonly CookieOptions Options = new() { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Strict, Path = "/", IsEssential = true };
    private readonly IDataProtector _protector = protection.CreateProtector("WebFrontend.SignedIn");

    public void Keep(HttpContext context, string credential) => context.Response.Cookies.Append(Cookie, _protector.Protect(credential), Options);

    public static void Forget(HttpContext context) => context.Response.Cookies.Delete(Cookie, Options);

    /// <summary>Null where nobody is signed in.</summary>
    public string? CredentialOf(HttpContext context)
    {
        if (context.Request.Cookies[Cookie] is not { Length: > 0 } sealed_) return null;
        try { return _protector.Unprotect(sealed_); }
        catch (CryptographicException) { return null; }
    }
}
