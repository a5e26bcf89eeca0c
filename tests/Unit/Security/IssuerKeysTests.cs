using System.Security.Cryptography;
using Harness;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using StreamApi.Security.Credentials;

namespace Unit.Security;

/// <summary>Tokens of an issuer that publishes its keys, and an issuer that does not answer.</summary>
public sealed class IssuerKeysTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly RSA _rsa = RSA.Create(2_048);
    private readonly RSA _next = RSA.Create(2_048);
    private TokenIssuer _issuer = null!;
    private BearerTokens? _tokens;

    /// <summary>A server that starts with one published key.</summary>
    private BearerTokens Server => _tokens ??= ServerOf(_issuer.Url);

    public async ValueTask InitializeAsync()
    {
        _issuer = await TokenIssuer.StartAsync();
        _issuer.Keys = [TokenIssuer.KeyOf(_rsa, "first")];
    }

    public async ValueTask DisposeAsync()
    {
        _tokens?.Dispose();
        await _issuer.DisposeAsync();
        _rsa.Dispose();
        _next.Dispose();
    }

    [Fact]
    public async Task A_token_is_verified_with_the_key_that_its_issuer_publishes()
    {
        var caller = await VerifyAsync(TokenIssuer.Token("ann", "first", _rsa));
        Assert.Equal("ann", caller.User);
        Assert.True(caller.Grants.MayRead("orders.1"));
        await AssertRefusedAsync(TokenIssuer.Token("ann", "first", _next));
    }

    [Fact]
    public async Task Keys_of_unknown_ids_cause_one_read_in_five_minutes()
    {
        await VerifyAsync(TokenIssuer.Token("ann", "first", _rsa));

        foreach (var id in (string[])["a", "b", "c"])
            await AssertRefusedAsync(TokenIssuer.Token("ann", id, _next));

        Assert.Equal(2, _issuer.Reads);

        _time.Advance(TimeSpan.FromSeconds(299));
        await AssertRefusedAsync(TokenIssuer.Token("ann", "d", _next));
        Assert.Equal(2, _issuer.Reads);

        _time.Advance(TimeSpan.FromSeconds(1));
        await AssertRefusedAsync(TokenIssuer.Token("ann", "e", _next));
        Assert.Equal(3, _issuer.Reads);
    }

    [Fact]
    public async Task A_new_key_is_read_by_the_first_token_that_names_it()
    {
        var before = await VerifyAsync(TokenIssuer.Token("ann", "first", _rsa));
        _issuer.Keys = [TokenIssuer.KeyOf(_next, "second")];
        var after = await VerifyAsync(TokenIssuer.Token("ann", "second", _next));

        await AssertRefusedAsync(TokenIssuer.Token("ann", "first", _rsa));

        // Tickets name the issuer, so those of the first key remain valid.
        Assert.Equal(before.Key, after.Key);
        Assert.True(Server.Trusts(before.Key!));
    }

    [Fact]
    public async Task A_withdrawn_key_is_refused_within_an_hour()
    {
        var token = TokenIssuer.Token("ann", "first", _rsa);
        await VerifyAsync(token);
        _issuer.Keys = [TokenIssuer.KeyOf(_next, "second")];
        _time.Advance(TimeSpan.FromMinutes(59));
        await VerifyAsync(token);
        Assert.Equal(1, _issuer.Reads);

        _time.Advance(TimeSpan.FromMinutes(1));
        // A known key does not wait for the read.
        await Eventually.HoldsAsync(
            async () => await Record.ExceptionAsync(() => VerifyAsync(token)) is InvalidCredentialException,
            within: TimeSpan.FromSeconds(30)
        );
    }

    [Fact]
    public async Task An_issuer_that_does_not_answer_makes_no_token_invalid()
    {
        var port = FreePort.Take();
        using var server = ServerOf($"http://127.0.0.1:{port}");
        var token = TokenIssuer.Token("ann", "first", _rsa);

        await Assert.ThrowsAsync<IssuerUnavailableException>(() => VerifyAsync(token, server));

        // Its keys could not make these valid.
        await AssertRefusedAsync("a.b.c", server);
        await AssertRefusedAsync(Tokens.Sign(Tokens.Claims("ann"), secret: new byte[32]), server);
        Assert.Equal("ann", (await VerifyAsync(Tokens.Of("ann"), server)).User);

        await using var later = await TokenIssuer.StartAsync(port);
        later.Keys = _issuer.Keys;
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("ann", (await VerifyAsync(token, server)).User);
    }

    [Fact]
    public async Task Known_keys_outlive_their_issuer()
    {
        var token = TokenIssuer.Token("ann", "first", _rsa);
        await VerifyAsync(token);
        await _issuer.DisposeAsync();
        await Assert.ThrowsAsync<IssuerUnavailableException>(() =>
            VerifyAsync(TokenIssuer.Token("ann", "second", _next))
        );
        _time.Advance(TimeSpan.FromHours(2));
        Assert.Equal("ann", (await VerifyAsync(token)).User);
    }

    [Fact]
    public async Task The_keys_of_a_document_that_names_another_issuer_are_not_used()
    {
        _issuer.Name = "https://other.test";
        await Assert.ThrowsAsync<IssuerUnavailableException>(() =>
            VerifyAsync(TokenIssuer.Token("ann", "first", _rsa))
        );
    }

    [Fact]
    public async Task A_published_key_verifies_one_algorithm()
    {
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pss = TokenIssuer.KeyOf(_next, "pss");
        pss["alg"] = "PS256";
        _issuer.Keys = [TokenIssuer.KeyOf(_rsa, "rsa"), pss, TokenIssuer.KeyOf(curve, "ec")];

        await VerifyAsync(TokenIssuer.Token("ann", "rsa", _rsa));
        await VerifyAsync(TokenIssuer.Token("ann", "pss", _next, RSASignaturePadding.Pss));
        await VerifyAsync(TokenIssuer.Token("ann", "ec", "ES256", c => curve.SignData(c, HashAlgorithmName.SHA256)));
        await AssertRefusedAsync(TokenIssuer.Token("ann", "rsa", _rsa, RSASignaturePadding.Pss));
        await AssertRefusedAsync(TokenIssuer.Token("ann", "pss", _next));
        await AssertRefusedAsync(TokenIssuer.Token("ann", "ec", "ES256", c => c[..5]));
        await AssertRefusedAsync(TokenIssuer.Token("ann", "ec", "ES256", _ => []));
    }

    [Fact]
    public async Task Published_secrets_short_keys_and_keys_of_other_uses_are_not_used()
    {
        using var weak = RSA.Create(1_024);
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var secret = new byte[32];
        var encryption = TokenIssuer.KeyOf(_next, "encryption");

        encryption["use"] = "enc";
        _issuer.Keys =
        [
            TokenIssuer.KeyOf(_rsa, "first"),
            TokenIssuer.KeyOf(weak, "weak"),
            TokenIssuer.KeyOf(curve, "P-384"),
            encryption,
            new Dictionary<string, string>
            {
                ["kty"] = "oct",
                ["kid"] = "secret",
                ["alg"] = "HS256",
                ["k"] = Convert.ToBase64String(secret).TrimEnd('='),
            },
        ];

        await VerifyAsync(TokenIssuer.Token("ann", "first", _rsa));
        await AssertRefusedAsync(TokenIssuer.Token("ann", "weak", weak));
        await AssertRefusedAsync(TokenIssuer.Token("ann", "encryption", _next));
        await AssertRefusedAsync(TokenIssuer.Token("ann", "secret", "HS256", c => HMACSHA256.HashData(secret, c)));
        await AssertRefusedAsync(
            TokenIssuer.Token("ann", "P-384", "ES256", c => curve.SignData(c, HashAlgorithmName.SHA256))
        );
    }

    /// <summary>A server that has a key of its own besides those of the issuer.</summary>
    private BearerTokens ServerOf(string authority)
    {
        var jwt = new JwtOptions
        {
            Issuer = Tokens.Issuer,
            Audience = Tokens.Audience,
            Authority = authority,
        };
        jwt.Keys.Add(new JwtKeyOptions { Algorithm = "HS256", Secret = Tokens.Secret });

        return new BearerTokens(Options.Create(new SecurityOptions { Jwt = jwt }), _time);
    }

    private Task<Caller> VerifyAsync(string token, BearerTokens? server = null) =>
        (server ?? Server).VerifyAsync(token, TestContext.Current.CancellationToken).AsTask();

    private async Task AssertRefusedAsync(string token, BearerTokens? server = null) =>
        await Assert.ThrowsAsync<InvalidCredentialException>(() => VerifyAsync(token, server));
}
