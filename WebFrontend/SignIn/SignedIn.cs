using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace WebFrontend.SignIn;

/// <summary>
/// A visitor's credential, in a cookie that no script can read, that goes to no other site and comes with no other
/// site's request, sealed with this
/// server's keys: one that opens was accepted by StreamApi at the sign-in.
/// </summary>
internal sealed class SignedIn(IDataProtectionProvider protection)
{
    /// <summary>Of this host alone (RFC 6265bis §4.1.3.2): no other name of the domain can set it.</summary>
    private const string Cookie = "__Host-signed-in";

    /// <summary>Most characters of a credential: what browsers keep in a cookie, after sealing.</summary>
    public const int MaxLength = 2_500;

    private static readonly CookieOptions Options = new()
    {
        HttpOnly = true,
        Secure = true,
        SameSite = SameSiteMode.Strict,
        Path = "/",
        IsEssential = true,
    };
    private readonly IDataProtector _protector = protection.CreateProtector("WebFrontend.SignedIn");
    private readonly ConcurrentDictionary<CancellationTokenSource, string> _streams = new();

    public void Keep(HttpContext context, string credential) =>
        context.Response.Cookies.Append(Cookie, _protector.Protect($"{Guid.NewGuid():N} {credential}"), Options);

    public static void Forget(HttpContext context) => context.Response.Cookies.Delete(Cookie, Options);

    /// <summary>Forgets who it is, and ends what he has open on this server, in other tabs too.</summary>
    public void SignOut(HttpContext context)
    {
        if (VisitOf(context) is { } visit)
        {
            foreach (var (ends, id) in _streams)
                if (id == visit.Id)
                    try
                    {
                        ends.Cancel();
                    }
                    catch (ObjectDisposedException) { } // it has ended meanwhile
        }
        Forget(context);
    }

    /// <summary>Null where nobody is signed in.</summary>
    public Visit? VisitOf(HttpContext context)
    {
        if (context.Request.Cookies[Cookie] is not { Length: > 0 } sealed_)
            return null;
        try
        {
            return _protector.Unprotect(sealed_).Split(' ') is [var id, var credential]
                ? new Visit(id, credential)
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Cancels this when the visitor signs out, until what is returned is disposed.</summary>
    public IDisposable EndWith(Visit visit, CancellationTokenSource ends)
    {
        _streams[ends] = visit.Id;
        return new Ending(_streams, ends);
    }

    private sealed class Ending(
        ConcurrentDictionary<CancellationTokenSource, string> streams,
        CancellationTokenSource ends
    ) : IDisposable
    {
        public void Dispose() => streams.TryRemove(ends, out _);
    }
}

/// <summary>A visitor, from his sign-in on. No record: what one prints has all that it holds.</summary>
internal sealed class Visit(string id, string credential)
{
    /// <summary>Of this sign-in.</summary>
    public string Id => id;

    /// <summary>What StreamApi knows him by.</summary>
    public string Credential => credential;
}
