using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace WebFrontend.SignIn;

/// <summary>
/// Keeps a visitor's StreamApi credential in an encrypted, <c>HttpOnly</c>, same-site cookie, for a day or until
/// sign-out at this frontend. A cookie that decrypts holds a credential that StreamApi accepted at sign-in.
/// </summary>
internal sealed class SignInSessions(IDataProtectionProvider protection, TimeProvider clock)
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

    /// <summary>Life of a sign-in.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromDays(1);

    /// <summary>Maximum number of ended sessions that are remembered, about 20 MB; the oldest are forgotten.</summary>
    private const int MaxEnded = 100_000;

    private readonly ITimeLimitedDataProtector _protector = protection
        .CreateProtector("WebFrontend.SignedIn")
        .ToTimeLimitedDataProtector();
    private readonly ConcurrentDictionary<CancellationTokenSource, string> _streams = new();
    private readonly ConcurrentDictionary<string, bool> _ended = new();
    private readonly Queue<(string Id, long At)> _ends = new();

    public void SignIn(HttpContext context, string credential) =>
        context.Response.Cookies.Append(Cookie, _protector.Protect($"{Guid.NewGuid():N} {credential}", Life), Options);

    public static void DeleteCookie(HttpContext context) => context.Response.Cookies.Delete(Cookie, Options);

    /// <summary>Deletes the cookie and ends the session's open streams, in all tabs.</summary>
    public void SignOut(HttpContext context)
    {
        if (Find(context) is { } session)
        {
            End(session.Id);
            foreach (var (cancellation, id) in _streams)
                if (id == session.Id)
                    Cancel(cancellation);
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
            return
                _protector.Unprotect(cookie, out var end).Split(' ') is [var id, var credential]
                && !_ended.ContainsKey(id)
                ? new SignInSession(id, credential, end)
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Cancels <paramref name="cancellation"/> at sign-out and when the sign-in expires, until the result is
    /// disposed.</summary>
    public IDisposable CancelAtSignOut(SignInSession session, CancellationTokenSource cancellation)
    {
        var left = session.End - clock.GetUtcNow();
        var expiry = clock.CreateTimer(
            _ => Cancel(cancellation),
            null,
            left > TimeSpan.Zero ? left : TimeSpan.Zero,
            Timeout.InfiniteTimeSpan
        );
        _streams[cancellation] = session.Id;
        // The sign-out may have looked for streams just before.
        if (_ended.ContainsKey(session.Id))
            Cancel(cancellation);
        return new Registration(_streams, cancellation, expiry);
    }

    private void End(string id)
    {
        lock (_ends)
        {
            if (!_ended.TryAdd(id, true))
                return;
            _ends.Enqueue((id, clock.GetTimestamp()));
            while (_ends.Count > MaxEnded || (_ends.TryPeek(out var oldest) && clock.GetElapsedTime(oldest.At) > Life))
                _ended.TryRemove(_ends.Dequeue().Id, out _);
        }
    }

    private static void Cancel(CancellationTokenSource cancellation)
    {
        try
        {
            cancellation.Cancel();
        }
        catch (ObjectDisposedException) { } // the stream has ended in the meantime
    }

    private sealed class Registration(
        ConcurrentDictionary<CancellationTokenSource, string> streams,
        CancellationTokenSource cancellation,
        ITimer expiry
    ) : IDisposable
    {
        public void Dispose()
        {
            expiry.Dispose();
            streams.TryRemove(cancellation, out _);
        }
    }
}

/// <summary>One sign-in. Not a record, because a record's text would contain the credential.</summary>
internal sealed class SignInSession(string id, string credential, DateTimeOffset end)
{
    public string Id => id;

    /// <summary>Time at which the sign-in expires (UTC).</summary>
    public DateTimeOffset End => end;

    /// <summary>The token or key for StreamApi.</summary>
    public string Credential => credential;
}
