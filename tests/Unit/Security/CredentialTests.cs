using System.Net;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Harness;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Npgsql;
using StreamApi.Security;
using StreamApi.Security.Credentials;
using StreamApi.Security.Tickets;

namespace Unit.Security;

/// <summary>The credentials of a request, and the answers to requests without a valid one.</summary>
public sealed class CredentialTests : IDisposable
{
    private const string Key = "the key",
        Production = "Production",
        Development = "Development";
    private static readonly TopicAccess Reads = new(Publishes: false, "orders.>");
    private static readonly TopicAccess Publishes = new(Publishes: true, "orders.*");

    private readonly SecurityOptions _options = new()
    {
        Jwt = new JwtOptions { Issuer = Tokens.Issuer, Audience = Tokens.Audience },
    };
    private readonly NpgsqlDataSource _store = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1"); // no test reads it
    private readonly ServiceProvider _services = new ServiceCollection().AddLogging().BuildServiceProvider();
    private readonly DefaultHttpContext _context;
    private readonly List<IDisposable> _used = [];

    public CredentialTests()
    {
        _context = new DefaultHttpContext { RequestServices = _services };
        _context.Request.Host = new HostString("sse.example.com");
        _context.Response.Body = new MemoryStream();
    }

    public static TheoryData<string, string, string> Accepted =>
        new()
        {
            { "Authorization", "Bearer the key", "key:job" },
            { "Authorization", "bearer  the key ", "key:job" },
            { "X-Api-Key", "the key", "key:job" },
            { "Authorization", $"Bearer {Tokens.Of("ann")}", "ann" },
        };

    [Theory]
    [MemberData(nameof(Accepted))]
    public async Task A_credential_is_accepted_in_each_header_in_which_clients_send_it(
        string header,
        string value,
        string user
    )
    {
        Configure();
        _context.Request.Headers[header] = value;
        var principal = (await AuthenticateAsync(Production)).Principal;
        Assert.Equal((user, user), (principal?.Identity?.Name, Caller.Of(_context).User));

        // Verified at once, so that it needs no handler.
        Assert.True(FinderOf(Production).TrySignIn(_context));
        Assert.Equal(user, _context.User.Identity?.Name);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("another key", "")]
    [InlineData("the key", "?ticket=!")]
    public async Task Other_credentials_are_left_to_the_handler_and_verified_once(string key, string query)
    {
        Configure();
        SetEndpoint(new StreamMetadata("Streams events.", []));
        _context.Request.QueryString = new QueryString(query);
        _context.Request.Headers["X-Api-Key"] = key.Length > 0 ? key : default(StringValues);
        Assert.False(FinderOf(Production).TrySignIn(_context));
        Assert.False(_context.User.Identity?.IsAuthenticated);

        // The handler takes what was found, and looks at nothing again.
        _context.Request.QueryString = default;
        _context.Request.Headers["X-Api-Key"] = Key;
        Assert.False((await AuthenticateAsync(Production)).Succeeded);
    }

    [Theory]
    [InlineData("Authorization", new[] { "Basic YTpi" }, "must use the scheme Bearer")]
    [InlineData("Authorization", new[] { "Bearer the key", "Bearer the key" }, "more than one credential")]
    [InlineData("X-Api-Key", new[] { "the key", "the key" }, "more than one credential")]
    [InlineData("X-Api-Key", new[] { "another key" }, "The API key is unknown")]
    [InlineData("Authorization", new[] { "Bearer a.b.c" }, "The token is malformed")]
    [InlineData("Authorization", new[] { "Replica !" }, "The replica pass is not valid")]
    public async Task A_refused_credential_is_401_and_says_why(string header, string[] values, string says)
    {
        Configure();
        _context.Request.Headers[header] = values;
        var detail = await ChallengeAsync();

        Assert.Equal(401, _context.Response.StatusCode);
        Assert.Contains(says, detail, StringComparison.Ordinal);
        Assert.StartsWith("Bearer error=\"invalid_token\", error_description=\"", Challenge, StringComparison.Ordinal);
        Assert.Contains(says, Challenge, StringComparison.Ordinal);
    }

    /// <summary>Browsers send those of a front's Basic authentication with every request, and EventSource's too.
    /// </summary>
    [Theory]
    [InlineData("the key", "", null)]
    [InlineData("another key", "", "The API key is unknown")]
    [InlineData("", "?ticket=!", "The ticket is not valid")]
    [InlineData("another key", "?ticket=!", "The API key is unknown")]
    [InlineData("", "", "must use the scheme Bearer")]
    public async Task Credentials_of_another_scheme_count_only_without_a_key_and_a_ticket(
        string key,
        string query,
        string? says
    )
    {
        Configure();
        SetEndpoint(new StreamMetadata("Streams events.", []));
        _context.Request.QueryString = new QueryString(query);
        _context.Request.Headers.Authorization = "Basic c2l0ZTpwdw==";
        if (key.Length > 0)
            _context.Request.Headers["X-Api-Key"] = key;

        var result = await AuthenticateAsync(Production);

        Assert.Equal(says is null ? "key:job" : null, result.Principal?.Identity?.Name);
        Assert.Contains(says ?? "", result.Failure?.Message ?? "", StringComparison.Ordinal);
    }

    /// <summary>401 would be final: a client would fetch a new token, or stop.</summary>
    [Fact]
    public async Task A_token_whose_issuer_does_not_answer_is_503_and_says_when_to_try_again()
    {
        _options.Jwt.Authority = $"http://127.0.0.1:{FreePort.Take()}";
        var token = TokenIssuer.Token("ann", "first", Tokens.Rsa);
        _context.Request.Headers.Authorization = $"Bearer {token}";
        Assert.Contains("The issuer of the tokens does not answer.", await ChallengeAsync(), StringComparison.Ordinal);
        Assert.Equal(503, _context.Response.StatusCode);
        Assert.Equal("5", _context.Response.Headers.RetryAfter);
        Assert.Equal("", Challenge);
    }

    /// <summary>RFC 6750 §3: without credentials the answer has no error code.</summary>
    [Theory]
    [InlineData(Production, "Send Authorization: Bearer with a token, X-Api-Key with a key, or for a stream ?ticket=")]
    [InlineData(Development, "Without credentials only this machine may use the server, by the name localhost.")]
    public async Task A_request_without_a_credential_is_401_and_says_what_to_send(string environment, string says)
    {
        Configure();
        var detail = await ChallengeAsync(environment);
        Assert.Equal((401, "Bearer"), (_context.Response.StatusCode, Challenge));
        Assert.Contains(says, detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("?ticket=a&ticket=b", true, "more than one ticket")]
    [InlineData("?ticket=a", false, "A ticket opens streams only")]
    [InlineData("?ticket=!", true, "The ticket is not valid")]
    [InlineData("?ticket=YWJj", true, "The ticket is not valid")]
    public async Task A_refused_ticket_says_why_and_asks_for_no_other_token(string query, bool isStream, string says)
    {
        Configure();
        _context.Request.QueryString = new QueryString(query);
        SetEndpoint(isStream ? new StreamMetadata("Streams events.", []) : new object());
        Assert.Contains(says, await ChallengeAsync(), StringComparison.Ordinal);
        Assert.Equal((401, "Bearer"), (_context.Response.StatusCode, Challenge));
    }

    [Theory]
    [InlineData("localhost", "127.0.0.1", true)]
    [InlineData("LOCALHOST:5070", "127.0.0.1", true)]
    [InlineData("app.localhost", "127.0.0.1", true)]
    [InlineData("127.0.0.1:5070", "127.0.0.1", true)]
    [InlineData("[::1]:5070", "127.0.0.1", true)]
    [InlineData("", "127.0.0.1", true)]
    [InlineData("192.0.2.1", "127.0.0.1", false)]
    [InlineData("evil.example", "127.0.0.1", false)]
    [InlineData("localhost.evil.example", "127.0.0.1", false)]
    [InlineData("evil-localhost", "127.0.0.1", false)]
    [InlineData("localhost", "127.9.9.9", true)]
    [InlineData("localhost", "::1", true)]
    [InlineData("localhost", "::ffff:127.0.0.1", true)]
    [InlineData("localhost", "192.0.2.1", false)]
    [InlineData("localhost", "2001:db8::1", false)]
    [InlineData("localhost", null, false)]
    public async Task Development_is_open_to_its_own_machine_by_a_local_name_alone(
        string host,
        string? address,
        bool isOpen
    )
    {
        Send(host, address);
        Assert.Equal(isOpen, (await AuthenticateAsync(Development)).Succeeded);
    }

    [Theory]
    [InlineData(Production, null, false)]
    [InlineData(Development, null, true)]
    [InlineData(Development, false, false)]
    public async Task Only_an_open_server_in_Development_needs_no_credential(
        string environment,
        bool? open,
        bool isOpen
    )
    {
        Configure();
        Send("localhost", "127.0.0.1");
        _options.OpenOnLoopback = open;
        Assert.Equal(isOpen, (await AuthenticateAsync(environment)).Succeeded);
        if (isOpen)
            Assert.True(Caller.Of(_context).Grants is { ReadsEverything: true } all && all.MayPublish("orders.1"));
    }

    /// <summary>Official clients always send a key, also to a server that has none.</summary>
    [Theory]
    [InlineData("another key", false, true)]
    [InlineData("another key", true, false)]
    [InlineData(Key, true, true)]
    public async Task A_sent_key_is_verified_in_Development_too_if_any_is_configured(
        string key,
        bool isConfigured,
        bool isAccepted
    )
    {
        if (isConfigured)
            Configure();
        Send("localhost", "127.0.0.1");
        _context.Request.Headers["X-Api-Key"] = key;
        Assert.Equal(isAccepted, (await AuthenticateAsync(Development)).Succeeded);
        Assert.Equal(isAccepted && isConfigured ? "key:job" : null, Caller.Of(_context).User);
    }

    [Fact]
    public async Task Development_is_not_open_to_a_request_that_sends_a_wrong_key_in_both_headers()
    {
        Configure();
        Send("localhost", "127.0.0.1");
        (_context.Request.Headers.Authorization, _context.Request.Headers["X-Api-Key"]) = ("Bearer wrong", "wrong");
        Assert.False((await AuthenticateAsync(Development)).Succeeded);
    }

    [Theory]
    [InlineData("stock", "This requires the claim sse.subscribe for orders.>.")]
    [InlineData("orders.>", "This requires the claim sse.publish for orders.*.")]
    public async Task A_caller_without_a_claim_is_403_and_learns_which(string readable, string says)
    {
        _context.Features.Set(new Caller("ann", new TopicGrants([readable], ["stock"])));
        SetEndpoint(new AuthorizationPolicyBuilder().AddRequirements(Reads, Publishes).Build());
        Assert.Contains(says, await ForbidAsync(), StringComparison.Ordinal);
        Assert.Equal((403, "Bearer error=\"insufficient_scope\""), (_context.Response.StatusCode, Challenge));
    }

    [Theory]
    [InlineData(true, "You do not have permission for this endpoint.")]
    [InlineData(false, "sse.subscribe for orders.>")]
    public async Task A_reader_of_a_run_of_somebody_else_learns_which_claim_would_allow_it_if_one_does(
        bool hasAll,
        string says
    )
    {
        _context.Features.Set(new Caller("ann", hasAll ? TopicGrants.All : TopicGrants.None));
        SetEndpoint(Reads);
        Assert.Contains(says, await ForbidAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ticket_for_other_topics_is_401_like_a_missing_one()
    {
        _context.Features.Set(new Caller("ann", TopicGrants.None, Ticket: Guid.NewGuid()));
        Assert.Contains("The ticket was issued for other topics.", await ForbidAsync(), StringComparison.Ordinal);
        Assert.Equal((401, ""), (_context.Response.StatusCode, Challenge));
    }

    [Theory]
    [InlineData("orders.>", "stock", true, false)]
    [InlineData("stock", "orders.>", false, true)]
    public async Task Reading_needs_a_grant_to_read_and_publishing_one_to_publish(
        string readable,
        string publishable,
        bool mayRead,
        bool mayPublish
    )
    {
        _context.Features.Set(new Caller("ann", new TopicGrants([readable], [publishable])));
        Assert.Equal((mayRead, mayPublish), (await IsMetAsync(Reads), await IsMetAsync(Publishes)));
        Assert.False(await IsMetAsync(Reads, resource: new object()));
    }

    public void Dispose()
    {
        foreach (var used in _used)
            used.Dispose();
        _services.Dispose();
        _store.Dispose();
    }

    private string Challenge => _context.Response.Headers.WWWAuthenticate.ToString();

    private void Configure()
    {
        _options.Jwt.Keys.Add(new JwtKeyOptions { Algorithm = "HS256", Secret = Tokens.Secret });
        _options.ApiKeys.Add(
            new ApiKeyOptions { Name = "job", Sha256 = Convert.ToHexString(SHA256.HashData("the key"u8)) }
        );
    }

    private void Send(string host, string? address)
    {
        _context.Request.Host = new HostString(host);
        _context.Connection.RemoteIpAddress = address is null ? null : IPAddress.Parse(address);
    }

    private void SetEndpoint(params object[] metadata) =>
        _context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(metadata), "an endpoint"));

    private async Task<AuthenticateResult> AuthenticateAsync(string environment) =>
        await (await HandlerAsync(environment)).AuthenticateAsync();

    /// <summary>Returns the detail of the answer to a request that needs a credential.</summary>
    private async Task<string> ChallengeAsync(string environment = Production)
    {
        await (await HandlerAsync(environment)).ChallengeAsync(null);
        return await DetailAsync();
    }

    /// <summary>Returns the detail of the answer to a caller that lacks a right.</summary>
    private async Task<string> ForbidAsync()
    {
        await (await HandlerAsync(Production)).ForbidAsync(null);
        return await DetailAsync();
    }

    private async Task<string> DetailAsync()
    {
        _context.Response.Body.Position = 0;
        using var problem = await JsonDocument.ParseAsync(
            _context.Response.Body,
            default,
            TestContext.Current.CancellationToken
        );

        return problem.RootElement.GetProperty("detail").GetString()!;
    }

    private CallerFinder FinderOf(string environment)
    {
        _options.SetDefaults(new HostingEnvironment { EnvironmentName = environment });
        var options = Options.Create(_options);
        var tokens = new BearerTokens(options, TimeProvider.System);
        var secret = new SharedSecret(_store, TimeProvider.System);

        _used.AddRange([tokens, secret]);
        var keys = new ApiKeys(options);
        var tickets = new StreamTickets(
            new TicketReader(secret, TimeProvider.System),
            secret,
            keys,
            tokens,
            Options.Create(new SseOptions()),
            TimeProvider.System
        );

        return new CallerFinder(options, tokens, keys, tickets);
    }

    private async Task<CredentialHandler> HandlerAsync(string environment)
    {
        var handler = new CredentialHandler(
            new OptionsMonitor<AuthenticationSchemeOptions>(
                new OptionsFactory<AuthenticationSchemeOptions>([], []),
                [],
                new OptionsCache<AuthenticationSchemeOptions>()
            ),
            NullLoggerFactory.Instance,
            UrlEncoder.Default,
            Options.Create(_options),
            FinderOf(environment)
        );
        var scheme = new AuthenticationScheme(CredentialHandler.Name, null, typeof(CredentialHandler));
        await handler.InitializeAsync(scheme, _context);

        return handler;
    }

    private async Task<bool> IsMetAsync(TopicAccess access, object? resource = null)
    {
        var context = new AuthorizationHandlerContext([access], _context.User, resource ?? _context);
        await new TopicAccessHandler().HandleAsync(context);
        return context.HasSucceeded;
    }
}
