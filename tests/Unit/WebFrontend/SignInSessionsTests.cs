using Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using WebFrontend.SignIn;

namespace Unit.WebFrontend;

/// <summary>Sign-ins with the framework's cookies, as the frontend registers them.</summary>
public sealed class SignInSessionsTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly ServiceProvider _services;
    private readonly SignInSessions _sessions;

    public SignInSessionsTests()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Services.AddSingleton<TimeProvider>(_time);
        builder.AddSignIn();
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        _services = builder.Services.BuildServiceProvider();
        _sessions = _services.GetRequiredService<SignInSessions>();
    }

    public void Dispose() => _services.Dispose();

    [Fact]
    public async Task A_sign_in_and_its_streams_end_after_a_day_however_much_they_are_used()
    {
        var cookie = await SignInAsync("key");
        using var stream = new CancellationTokenSource();
        using var registration = _sessions.CancelAtSignOut(await VisitAsync(cookie), stream);

        _time.Advance(TimeSpan.FromHours(23));
        var visit = await VisitAsync(cookie);
        Assert.Equal("key", await SignInSessions.CredentialAsync(visit));
        Assert.Equal(0, visit.Response.Headers.SetCookie.Count);
        Assert.False(stream.IsCancellationRequested);

        _time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(1));
        Assert.Null(await SignInSessions.CredentialAsync(await VisitAsync(cookie)));
        Assert.True(stream.IsCancellationRequested);
    }

    [Fact]
    public async Task A_stream_that_opens_during_its_sign_out_ends_too()
    {
        var cookie = await SignInAsync("key");
        var opening = await VisitAsync(cookie);
        await _sessions.SignOutAsync(await VisitAsync(cookie));
        using var stream = new CancellationTokenSource();
        using var registration = _sessions.CancelAtSignOut(opening, stream);
        Assert.True(stream.IsCancellationRequested);
    }

    [Fact]
    public async Task A_stream_without_a_sign_in_outlives_a_sign_out_of_nobody()
    {
        var visit = await VisitAsync(cookie: null);
        using var stream = new CancellationTokenSource();
        using var registration = _sessions.CancelAtSignOut(visit, stream);
        await _sessions.SignOutAsync(visit);
        _time.Advance(TimeSpan.FromDays(2));
        Assert.False(stream.IsCancellationRequested);
    }

    [Fact]
    public async Task The_longest_credential_fits_in_one_cookie_that_a_browser_accepts()
    {
        var set = await SetCookieAsync(new string('k', SignInSessions.MaxLength));
        Assert.StartsWith("__Host-signed-in=", set, StringComparison.Ordinal);
        // Browsers accept 4,096 bytes (RFC 6265 §6.1).
        Assert.InRange(set.Length, SignInSessions.MaxLength, 4_096);
    }

    private async Task<string> SignInAsync(string credential) => (await SetCookieAsync(credential)).Split(';')[0];

    private async Task<string> SetCookieAsync(string credential)
    {
        var visit = await VisitAsync(cookie: null);
        await SignInSessions.SignInAsync(visit, credential);
        return Assert.Single(visit.Response.Headers.SetCookie)!;
    }

    private async Task<HttpContext> VisitAsync(string? cookie)
    {
        var context = new DefaultHttpContext { RequestServices = _services.CreateScope().ServiceProvider };
        var response = new StartableResponse();
        context.Features.Set<IHttpResponseFeature>(response);
        context.Request.Scheme = "https";
        context.Request.Headers.Cookie = cookie;

        var pipeline = new ApplicationBuilder(_services);
        pipeline.UseAuthentication();
        await pipeline.Build()(context);
        await response.StartAsync();

        return context;
    }

    /// <summary>Runs what the framework does when a response starts.</summary>
    private sealed class StartableResponse : HttpResponseFeature
    {
        private Func<Task> _start = () => Task.CompletedTask;

        public override void OnStarting(Func<object, Task> callback, object state) => _start = () => callback(state);

        public Task StartAsync() => _start();
    }
}
