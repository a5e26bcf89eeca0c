using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Security;

/// <summary>Two replicas as in Production that trust one issuer and know some keys. Each request states its
/// credentials.</summary>
public sealed class SecureSystem : IAsyncLifetime
{
    internal const string OperatorKey = "operator-key-of-this-test-7f2a9c",
        WriterKey = "writer-key-of-this-test-51d0aa";

    /// <summary>An API key with the same name as the tokens' user.</summary>
    internal const string NamesakeKey = "namesake-key-of-this-test-0c61be";

    private Task<ServiceHost>? _pages;

    internal World System { get; private set; } = null!;
    internal RunningService ReplicaA => System.Replicas[0];
    internal Uri A => System.Replicas[0].Url;
    internal Uri B => System.Replicas[1].Url;

    internal static Dictionary<string, string> Settings =>
        new(ApiKeySettings.Operator(OperatorKey))
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",

            // Two keys that sign tokens, and two API keys beside the operator's.
            ["Security__Jwt__Issuer"] = Tokens.Issuer,
            ["Security__Jwt__Audience"] = Tokens.Audience,
            ["Security__Jwt__Keys__0__Algorithm"] = "HS256",
            ["Security__Jwt__Keys__0__Secret"] = Tokens.Secret,
            ["Security__Jwt__Keys__1__Algorithm"] = "RS256",
            ["Security__Jwt__Keys__1__Id"] = "rsa",
            ["Security__Jwt__Keys__1__PublicKey"] = Tokens.Rsa.ExportSubjectPublicKeyInfoPem(),
            ["Security__ApiKeys__1__Name"] = "writer",
            ["Security__ApiKeys__1__Sha256"] = ApiKeySettings.Hash(WriterKey),
            ["Security__ApiKeys__1__Publish__0"] = "orders.>",
            ["Security__ApiKeys__2__Name"] = "ann",
            ["Security__ApiKeys__2__Sha256"] = ApiKeySettings.Hash(NamesakeKey),
            ["Security__ApiKeys__2__Publish__0"] = "agents.*",
            ["Security__ApiKeys__2__Subscribe__0"] = "orders.>",

            ["Security__RenewSeconds"] = "2",
            ["Limits__NewStreamsPerMinute"] = "10000",
            ["Limits__SparePercent"] = "0", // so that the rates bind; SpareTests has the default
            ["Limits__PublishesPerSecond"] = "10000",
            ["Limits__ConnectionsPerSecond"] = "10000",
            ["Limits__RequestsPerSecond"] = "10000",
            ["Limits__ReadPercent"] = "1000000",
            ["Limits__BodyGraceSeconds"] = "60",
        };

    public async ValueTask InitializeAsync() =>
        System = await World.Start(o => o.Replicas(2).Set(Settings).ApiKey(OperatorKey));

    public async ValueTask DisposeAsync()
    {
        if (_pages is { IsCompletedSuccessfully: true })
            await _pages.Result.DisposeAsync();
        await System.DisposeAsync();
    }

    /// <summary>The site of the pages with a sign-in, started by the first test that needs it: each test has visits of
    /// its own.</summary>
    internal Task<ServiceHost> PagesAsync() => _pages ??= Site.StartAsync(A.ToString(), ("SignIn__Enabled", "true"));

    /// <summary>The key of this name, or a token with the grants that the text lists, as in
    /// <c>reads orders.>, publishes a.* b</c>; another text is sent as it is.</summary>
    internal static string? CredentialOf(string caller, string user = "eve")
    {
        if (caller is "" or "operator" or "writer")
            return caller is "" ? null
                : caller is "operator" ? OperatorKey
                : WriterKey;

        var grants = caller
            .Split(", ")
            .Select(part => part.Split(' '))
            .ToDictionary(part => part[0], part => part[1..]);
        return grants.Keys.All(kind => kind is "reads" or "publishes")
            ? Tokens.Of(user, grants.GetValueOrDefault("reads"), grants.GetValueOrDefault("publishes"))
            : caller;
    }

    internal static Task<HttpResponseMessage> SendAsync(
        Uri server,
        HttpMethod method,
        string path,
        string? token = null,
        object? body = null,
        string? key = null,
        string? lastId = null
    ) => SeedRequests.SendAsync(server, method, path, SeedRequests.ContentOf(body), lastId, token, key);

    internal static Task<JsonElement> JsonAsync(
        Uri server,
        HttpMethod method,
        string path,
        string? token = null,
        object? body = null,
        string? key = null
    ) => SeedRequests.JsonAsync(server, method, path, body, token, key);

    internal static async Task<HttpStatusCode> StatusAsync(
        Uri server,
        HttpMethod method,
        string path,
        string? token = null,
        object? body = null,
        string? key = null,
        string? lastId = null
    )
    {
        using var response = await SendAsync(server, method, path, token, body, key, lastId);
        return response.StatusCode;
    }

    internal static Task<JsonElement> PublishAsync(Uri server, params object[] events) =>
        JsonAsync(server, HttpMethod.Post, "/v1/events", body: events, key: OperatorKey);

    internal static Task<SseReader> OpenAsync(Uri server, string path, string? token = null, string? lastId = null)
    {
        var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        if (token is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return SseReader.OpenAsync(server, path, lastId, client: client);
    }
}
