using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace WebFrontend.SignIn;

/// <summary>
/// Keeps a visitor's StreamApi credential in an encrypted, <c>HttpOnly</c>, same-site cookie. A cookie that decrypts
/// holds a credential that StreamApi accepted at sign-in.
/// </summary>
internal sealed class SignInSessions(IDataProtectionProvider protection)
{
    /// <summary>
    /// The prefix binds the cookie to this host (RFC 6265bis §4.1.3.2): no sibling domain can set it.
    /// </summary>
    private const string Cookie = "__Host-signed-in";

    /// <summary>Maximum length of a credential in characters, so that its cookie stays under 4 kB.</summary>
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

    public void SignIn(HttpContext context, string credential) =>
        context.Response.Cookies.Append(Cookie, _protector.Protect($"{Guid.NewGuid():N} {credential}"), Options);

    public static void DeleteCookie(HttpContext context) => context.Response.Cookies.Delete(Cookie, Options);

    /// <summary>Deletes the cookie and ends the session's open streams, in all tabs.</summary>
    public void SignOut(HttpContext context)
    {
        if (Find(context) is { } session)
        {
            foreach (var (cancellation, id) in _streams)
                if (id == session.Id)
                    try
                    {
                        cancellation.Cancel();
                    }
                    catch (ObjectDisposedException) { } // the stream has ended in the meantime
        }
        DeleteCookie(context);
    }

    /// <summary>Returns the session of a request, or null if the visitor is not signed in.</summary>
    public SignInSession? Find(HttpContext context)
    {
        if (context.Request.Cookies[Cookie] is not { Length: > 0 } cookie)
            return null;
        try
        {
            return _protector.Unprotect(cookie).Split(' ') is [var id, var credential]
                ? new SignInSession(id, credential)
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Cancels <paramref name="cancellation"/> at sign-out, until the result is disposed.</summary>
    public IDisposable CancelAtSignOut(SignInSession session, CancellationTokenSource cancellation)
    {
        _streams[cancellation] = session.Id;
        return new Registration(_streams, cancellation);
    }

    private sealed class Registration(
        ConcurrentDictionary<CancellationTokenSource, string> streams,
        CancellationTokenSource cancellation
    ) : IDisposable
    {
        public void Dispose() => streams.TryRemove(cancellation, out _);
    }
}

/// <summary>One sign-in. Not a record, because a record's text would contain the credential.</summary>
internal sealed class SignInSession(string id, string credential)
{
    public string Id => id;

    /// <summary>The token or key for StreamApi.</summary>
    public string Credential => credential;
}
