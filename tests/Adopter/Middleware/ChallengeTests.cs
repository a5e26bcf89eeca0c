using System.Net;
using System.Net.ServerSentEvents;
using Adopter.Showing;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace Adopter.Middleware;

/// <summary>Streams, tickets and the gateway of an application that sends people somewhere to sign in.</summary>
public sealed class ChallengeTests
{
    private static readonly Dictionary<string, Action<IServiceCollection>> Ways = new()
    {
        ["OAuth"] = services => AddOAuth(services, "oauth"),
        ["OAuth, forwarded to"] = services =>
        {
            AddOAuth(services, "any");
            services.AddAuthentication().AddPolicyScheme("any", null, any => any.ForwardChallenge = "oauth");
        },
        ["cookies, by its own code"] = services =>
            services
                .AddAuthentication("cookie")
                .AddCookie("cookie", cookies => cookies.Events.OnRedirectToLogin = Redirect),
        ["an own handler of results"] = services =>
        {
            AddOAuth(services, "oauth");
            services.AddSingleton<IAuthorizationMiddlewareResultHandler, Counting>();
        },
    };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. Ways.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_program_that_has_not_signed_in_gets_401_and_a_person_the_page_to_sign_in(string way)
    {
        await using var app = await StartAsync(Ways[way]);
        using var stranger = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        stranger.BaseAddress = app.Server;

        (HttpMethod, string)[] programs =
        [
            (HttpMethod.Get, "/events"),
            (HttpMethod.Get, "/written"),
            (HttpMethod.Get, "/run"),
            (HttpMethod.Get, "/items"),
            (HttpMethod.Get, "/v1/models"),
            (HttpMethod.Get, "/stream?prompt=hello"),
            (HttpMethod.Get, "/v1/generations/7"),
            (HttpMethod.Get, "/v1/generations/7/stream"),
            (HttpMethod.Post, "/v1/generations"),
            (HttpMethod.Post, "/stream-tickets"),
        ];
        foreach (var (method, path) in programs)
        {
            using var answer = await stranger.SendAsync(new HttpRequestMessage(method, path), Stop);
            Assert.Equal((path, HttpStatusCode.Unauthorized), (path, answer.StatusCode));
            Assert.Null(answer.Headers.Location);
            // Neither the state of a sign-in that nobody begins.
            Assert.False(answer.Headers.Contains("Set-Cookie"));
        }

        using var page = await stranger.GetAsync("/page", Stop);
        Assert.Equal(HttpStatusCode.Redirect, page.StatusCode);
    }

    [Fact]
    public async Task A_program_that_may_not_gets_403_and_no_page()
    {
        await using var app = await StartAsync(services =>
            services
                .AddAuthentication("cookie")
                .AddCookie("cookie", cookies => cookies.Events.OnRedirectToAccessDenied = Redirect)
        );
        using var user = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        user.BaseAddress = app.Server;
        using var signedIn = await user.PostAsync("/sign-in", content: null, Stop);

        // By its policy, and because it is another's.
        foreach (var path in (string[])["/staff", "/v1/generations/none", "/v1/generations/none/stream"])
        {
            using var answer = await user.GetAsync(path, Stop);
            Assert.Equal((HttpStatusCode.Forbidden, null), (answer.StatusCode, answer.Headers.Location));
        }

        using var page = await user.GetAsync("/staff/page", Stop);
        Assert.Equal(HttpStatusCode.Redirect, page.StatusCode);
    }

    [Fact]
    public async Task A_scheme_s_own_challenge_stays()
    {
        await using var app = await StartAsync(services => services.AddAuthentication("bearer").AddJwtBearer("bearer"));
        using var answer = await app.Client.GetAsync("/events", Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
    }

    private static async Task<SmallApp> StartAsync(Action<IServiceCollection> authenticate) =>
        await SmallApp.StartAsync(
            Map,
            builder =>
            {
                builder.AddLlmGateway();
                authenticate(builder.Services);
            },
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString
        );

    private static void Map(WebApplication app)
    {
        app.MapPost("/sign-in", () => TypedResults.SignIn(Users.Named("ann"), authenticationScheme: "cookie"));
        app.MapSseTickets();
        app.MapLlmGateway().RequireAuthorization();
        app.MapGet("/events", () => TypedResults.EventStream("news.all")).RequireAuthorization();
        app.MapGet("/written", (HttpContext context) => TypedResults.EventStream("news.all").ExecuteAsync(context))
            .RequireAuthorization()
            .WithEventStream();
        app.MapGet("/run", () => TypedResults.RunStream("runs.7")).RequireAuthorization();
        app.MapGet("/items", () => TypedResults.EventStream(AsyncEnumerable.Empty<SseItem<int>>()))
            .RequireAuthorization();
        app.MapGet("/page", () => "A page").RequireAuthorization();
        app.MapGet("/staff", () => TypedResults.EventStream("news.all")).RequireAuthorization(Staff);
        app.MapGet("/staff/page", () => "A page").RequireAuthorization(Staff);

        static void Staff(AuthorizationPolicyBuilder policy) => policy.RequireRole("staff");
    }

    internal static void AddOAuth(IServiceCollection services, string challenge) =>
        services
            .AddAuthentication(options =>
            {
                options.DefaultScheme = "cookie";
                options.DefaultChallengeScheme = challenge;
            })
            .AddCookie("cookie")
            .AddOAuth(
                "oauth",
                oauth =>
                {
                    oauth.ClientId = "shop";
                    oauth.ClientSecret = "secret";
                    oauth.CallbackPath = "/signed-in";
                    oauth.AuthorizationEndpoint = "https://idp.example/authorize";
                    oauth.TokenEndpoint = "https://idp.example/token";
                }
            );

    private static Task Redirect(RedirectContext<CookieAuthenticationOptions> context)
    {
        context.Response.Redirect("/people");
        return Task.CompletedTask;
    }

    /// <summary>As the documentation shows one: it does something, and leaves the rest to the framework's.</summary>
    private sealed class Counting : IAuthorizationMiddlewareResultHandler
    {
        private readonly AuthorizationMiddlewareResultHandler _usual = new();

        public Task HandleAsync(
            RequestDelegate next,
            HttpContext context,
            AuthorizationPolicy policy,
            PolicyAuthorizationResult authorizeResult
        ) => _usual.HandleAsync(next, context, policy, authorizeResult);
    }
}
