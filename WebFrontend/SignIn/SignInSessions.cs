using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace WebFrontend.SignIn;

/// <summary>
/// The visitors' sign-ins. The framework's cookie keeps a visitor's StreamApi credential encrypted, for a day or until
/// sign-out at this frontend. A cookie that decrypts holds a credential that StreamApi accepted at sign-in.
/// </summary>
internal sealed class SignInSessions(TimeProvider clock)
{
    /// <summary>Maximum length of a credential in characters, so that its cookie stays under 4 kB.</summary>
    public const int MaxLength = 2_500;

    /// <summary>Name of the credential among the tokens of a sign-in.</summary>
    private const string Credential = "credential";

    /// <summary>Life of a sign-in.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromDays(1);

    /// <summary>Maximum number of ended sign-ins that are remembered, about 20 MB; the oldest are forgotten.</summary>
    private const int MaxEnded = 100_000;

    private readonly ConcurrentDictionary<CancellationTokenSource, string> _streams = new();
    private readonly ConcurrentDictionary<string, bool> _ended = new();
    private readonly Queue<(string Id, long At)> _ends = new();

    public static void ConfigureCookie(CookieAuthenticationOptions options)
    {
        // The prefix binds the cookie to this host (RFC 6265bis §4.1.3.2): no sibling domain can set it.
        options.Cookie.Name = "__Host-signed-in";
        options.Cookie.Path = "/";
        options.Cookie.SecurePolicy = CookieSecurePolicy.Always;
        options.Cookie.SameSite = SameSiteMode.Strict;
        options.ExpireTimeSpan = Life;
        options.SlidingExpiration = false;
        options.Events.OnRedirectToLogin = redirect => SignInPolicy.RequestSignInAsync(redirect.HttpContext);
        options.Events.OnValidatePrincipal = cookie =>
        {
            var sessions = cookie.HttpContext.RequestServices.GetRequiredService<SignInSessions>();
            if (sessions._ended.ContainsKey(IdOf(cookie.Principal!)))
                cookie.RejectPrincipal();
            return Task.CompletedTask;
        };
    }

    public static Task SignInAsync(HttpContext context, string credential)
    {
        var id = new Claim(ClaimTypes.NameIdentifier, $"{Guid.NewGuid():N}");
        var visitor = new ClaimsIdentity([id], CookieAuthenticationDefaults.AuthenticationScheme);
        var properties = new AuthenticationProperties();
        properties.StoreTokens([new AuthenticationToken { Name = Credential, Value = credential }]);
        return context.SignInAsync(new ClaimsPrincipal(visitor), properties);
    }

    /// <summary>Deletes the cookie and ends the visitor's open streams, in all tabs.</summary>
    public Task SignOutAsync(HttpContext context)
    {
        if (context.User.Identity is { IsAuthenticated: true })
        {
            var id = IdOf(context.User);
            End(id);
            foreach (var (cancellation, owner) in _streams)
                if (owner == id)
                    Cancel(cancellation);
        }
        return context.SignOutAsync();
    }

    /// <summary>Returns the token or key for StreamApi, or null if the visitor is not signed in.</summary>
    public static Task<string?> CredentialAsync(HttpContext context) => context.GetTokenAsync(Credential);

    /// <summary>
    /// Cancels <paramref name="cancellation"/> at the visitor's sign-out and when the sign-in expires, until the result
    /// is disposed. Returns null if the visitor is not signed in, as in Development.
    /// </summary>
    public IDisposable? CancelAtSignOut(HttpContext context, CancellationTokenSource cancellation)
    {
        var signIn = context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult;
        if (signIn?.Properties?.ExpiresUtc is not { } end)
            return null;

        var id = IdOf(context.User);
        var left = end - clock.GetUtcNow();
        var expiry = clock.CreateTimer(
            _ => Cancel(cancellation),
            null,
            left > TimeSpan.Zero ? left : TimeSpan.Zero,
            Timeout.InfiniteTimeSpan
        );

        _streams[cancellation] = id;

        // The sign-out may have looked for streams just before.
        if (_ended.ContainsKey(id))
            Cancel(cancellation);

        return new Registration(_streams, cancellation, expiry);
    }

    private static string IdOf(ClaimsPrincipal visitor) => visitor.FindFirstValue(ClaimTypes.NameIdentifier)!;

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
