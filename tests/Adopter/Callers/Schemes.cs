using System.Collections.Concurrent;
using System.Security.Claims;
using System.Text;
using System.Text.Encodings.Web;
using Harness;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace Adopter.Callers;

/// <summary>The ways to sign in that applications use; a request names its own.</summary>
internal static class Schemes
{
    public const string Header = "X-Scheme",
        Mapped = "Mapped",
        Unmapped = "Unmapped",
        Named = "Named",
        Cookie = "Identity.Application",
        OtherIssuer = "https://other.test";

    private const string Any = "Any";

    public static void AddSchemes(this IServiceCollection services)
    {
        services.AddSingleton<ApiKeys>();

        var authentication = services.AddAuthentication(Any);
        authentication
            .AddPolicyScheme(
                Any,
                displayName: null,
                options =>
                    options.ForwardDefaultSelector = context =>
                        context.Request.Headers[Header] is [{ } scheme] ? scheme : Cookie
            )
            .AddCookie(Cookie)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyHandler.Name, configureOptions: null);

        // As it is, with the claims as the issuer names them, and with the display name as the name.
        authentication.AddJwtBearer(Mapped, options => options.TokenValidationParameters = Validation());
        authentication.AddJwtBearer(
            Unmapped,
            options =>
            {
                options.MapInboundClaims = false;
                options.TokenValidationParameters = Validation();
            }
        );
        authentication.AddJwtBearer(
            Named,
            options =>
            {
                options.TokenValidationParameters = Validation();
                options.TokenValidationParameters.NameClaimType = "name";
            }
        );
    }

    private static TokenValidationParameters Validation() =>
        new()
        {
            ValidIssuers = [Tokens.Issuer, OtherIssuer],
            ValidAudience = Tokens.Audience,
            IssuerSigningKey = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(Tokens.Secret)),
            ClockSkew = TimeSpan.Zero,
        };

    /// <summary>Signs a user in as ASP.NET Core Identity does.</summary>
    public static IResult SignIn(string id, string name) =>
        TypedResults.SignIn(
            new ClaimsPrincipal(
                new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, id), new Claim(ClaimTypes.Name, name)], Cookie)
            ),
            authenticationScheme: Cookie
        );
}

/// <summary>Keys that an application gives, and withdraws.</summary>
internal sealed class ApiKeys
{
    public ConcurrentDictionary<string, bool> Withdrawn { get; } = [];
}

/// <summary>An application's own keys: identities with <c>,</c> between, each with claims (<c>sub=7;name=Ann</c>). One
/// that begins with <c>?</c> is not authenticated.</summary>
internal sealed class ApiKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    ApiKeys keys
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string Name = "ApiKey",
        Header = "X-Api-Key";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Headers[Header] is not [{ } key])
            return Task.FromResult(AuthenticateResult.NoResult());
        if (keys.Withdrawn.ContainsKey(key))
            return Task.FromResult(AuthenticateResult.Fail("The key was withdrawn."));

        var principal = new ClaimsPrincipal(key.Split(',').Select(IdentityOf));
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(principal, Name)));
    }

    private static ClaimsIdentity IdentityOf(string text) =>
        new(
            text.TrimStart('?')
                .Split(';', StringSplitOptions.RemoveEmptyEntries)
                .Select(claim => claim.Split('='))
                .Select(claim => new Claim(TypeOf(claim[0]), claim[1])),
            text.StartsWith('?') ? null : Name
        );

    private static string TypeOf(string name) =>
        name switch
        {
            "id" => ClaimTypes.NameIdentifier,
            "name" => ClaimTypes.Name,
            "role" => ClaimTypes.Role,
            _ => name,
        };
}
