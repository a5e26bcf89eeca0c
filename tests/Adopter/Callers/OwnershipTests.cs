using System.Net;

namespace Adopter.Callers;

/// <summary>Work that one caller began, and another one's requests for it, whatever they sign in with.</summary>
public sealed class OwnershipTests(RunningCallers callers) : IClassFixture<RunningCallers>
{
    private const string Key = "key";

    private readonly CallersApp _app = callers.App;

    [Theory]
    [MemberData(nameof(CallerPairs.Names), MemberType = typeof(CallerPairs))]
    public async Task A_generation_is_its_callers_own(string pair)
    {
        var (own, other) = await PairAsync(pair);
        var generation = await own.GenerateAsync();

        Assert.Equal(HttpStatusCode.OK, await own.ReadAsync(generation));
        Assert.Equal(HttpStatusCode.OK, await own.ReadAsync(generation + "/stream"));
        Assert.Equal(HttpStatusCode.Forbidden, await other.ReadAsync(generation));
        Assert.Equal(HttpStatusCode.Forbidden, await other.ReadAsync(generation + "/stream"));
        Assert.Equal(HttpStatusCode.Forbidden, await other.CancelAsync(generation));
        Assert.Equal(HttpStatusCode.OK, await own.CancelAsync(generation));
    }

    [Theory]
    [MemberData(nameof(CallerPairs.Names), MemberType = typeof(CallerPairs))]
    public async Task A_session_is_its_callers_own(string pair)
    {
        var (own, other) = await PairAsync(pair);
        var session = await own.BeginSessionAsync();

        Assert.Equal(HttpStatusCode.Forbidden, await other.SayAsync(session));
        Assert.Equal(HttpStatusCode.Forbidden, await other.ReadAsync($"/session/{session}"));
        Assert.Equal(HttpStatusCode.Forbidden, await other.ReadAsync($"/stream/{session}"));
        Assert.Equal(HttpStatusCode.OK, await own.SayAsync(session));
        Assert.Equal(HttpStatusCode.OK, await own.ReadAsync($"/session/{session}"));
    }

    /// <summary>A position can be counted.</summary>
    [Theory]
    [MemberData(nameof(CallerPairs.Names), MemberType = typeof(CallerPairs))]
    public async Task An_agents_answer_continues_for_the_caller_who_asked(string pair)
    {
        var (own, other) = await PairAsync(pair);
        var ids = await own.AskAsync();

        Assert.Contains("event: end", await own.ContinueAsync(ids[0]), StringComparison.Ordinal);
        foreach (var id in ids.Take(2))
            Assert.Equal("", await other.ContinueAsync(id));
    }

    [Theory]
    [MemberData(nameof(CallerPairs.Names), MemberType = typeof(CallerPairs))]
    public async Task An_idempotency_key_is_its_callers_own(string pair)
    {
        var (own, other) = await PairAsync(pair);
        var generation = await own.GenerateAsync(Key);

        Assert.Equal(generation, await own.GenerateAsync(Key));
        Assert.NotEqual(generation, await other.GenerateAsync(Key));
        Assert.NotEqual(await own.BeginSessionAsync("session"), await other.BeginSessionAsync("session"));
    }

    [Theory]
    [MemberData(nameof(CallerPairs.Names), MemberType = typeof(CallerPairs))]
    public async Task A_ticket_reads_what_its_caller_began_and_is_of_no_use_beside_another_credential(string pair)
    {
        var (own, other) = await PairAsync(pair);
        using var anonymous = _app.Anonymous();
        var stranger = new GatewayClient(anonymous);
        var stream = await own.GenerateAsync() + "/stream";

        var ticket = await own.TicketAsync("generations.>");
        Assert.Equal(HttpStatusCode.OK, await stranger.ReadAsync($"{stream}?ticket={ticket}"));
        Assert.Equal(HttpStatusCode.OK, await own.ReadAsync($"{stream}?ticket={ticket}"));
        Assert.Equal(HttpStatusCode.Unauthorized, await other.ReadAsync($"{stream}?ticket={ticket}"));

        var foreign = await other.TicketAsync("generations.>");
        Assert.Equal(HttpStatusCode.Forbidden, await stranger.ReadAsync($"{stream}?ticket={foreign}"));
    }

    /// <summary>The same person, with the claims of a token as they are and as ASP.NET renames them.</summary>
    [Fact]
    public async Task A_caller_is_the_same_however_its_claims_are_named()
    {
        var claims = new { sub = "alice", name = "Alice" };
        var generation = await Of(_app.WithToken(Schemes.Mapped, claims)).GenerateAsync();

        Assert.Equal(HttpStatusCode.OK, await Of(_app.WithToken(Schemes.Unmapped, claims)).ReadAsync(generation));
        Assert.Equal(HttpStatusCode.OK, await Of(_app.WithToken(Schemes.Named, claims)).ReadAsync(generation));
        var renamed = Of(_app.WithToken(Schemes.Named, new { sub = "alice", name = "Alice Smith" }));
        Assert.Equal(HttpStatusCode.OK, await renamed.ReadAsync(generation));
    }

    /// <summary>A profile that an application adds to each request changes.</summary>
    [Fact]
    public async Task A_name_beside_a_subject_is_no_part_of_the_caller()
    {
        var generation = await Of(_app.WithKey("id=ann,name=Ann")).GenerateAsync();
        Assert.Equal(HttpStatusCode.OK, await Of(_app.WithKey("id=ann,name=Ann Smith")).ReadAsync(generation));
        Assert.Equal(HttpStatusCode.OK, await Of(_app.WithKey("name=Ann Smith,id=ann")).ReadAsync(generation));
        Assert.Equal(HttpStatusCode.Forbidden, await Of(_app.WithKey("id=bob,name=Ann")).ReadAsync(generation));
    }

    /// <summary>ASP.NET gives two claims of such a token one name.</summary>
    [Fact]
    public async Task The_subject_is_the_same_in_whatever_order_the_claims_come()
    {
        var generation = await Of(_app.WithToken(Schemes.Mapped, new { nameid = "a", sub = "order" })).GenerateAsync();

        var turned = Of(_app.WithToken(Schemes.Mapped, new { sub = "order", nameid = "a" }));
        Assert.Equal(HttpStatusCode.OK, await turned.ReadAsync(generation));
        var alone = Of(_app.WithToken(Schemes.Unmapped, new { sub = "order" }));
        Assert.Equal(HttpStatusCode.OK, await alone.ReadAsync(generation));
        var other = Of(_app.WithToken(Schemes.Mapped, new { sub = "a" }));
        Assert.Equal(HttpStatusCode.Forbidden, await other.ReadAsync(generation));
        Assert.Equal(
            HttpStatusCode.OK,
            await Of(_app.WithKey("id=1;id=2")).ReadAsync(await Of(_app.WithKey("id=2;id=1")).GenerateAsync())
        );
    }

    [Theory]
    [InlineData("role=staff")]
    [InlineData("name= ;role=staff")]
    [InlineData("id= ;role=staff")]
    [InlineData("id=;name=")]
    public async Task A_caller_that_nothing_names_owns_nothing(string key)
    {
        var nobody = Of(_app.WithKey(key));

        using var refused = await nobody.TryGenerateAsync();
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        using var withKey = await nobody.TryGenerateAsync(Key);
        Assert.Equal(HttpStatusCode.Forbidden, withKey.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, await nobody.ReadAsync("/stream?prompt=Hello"));
        Assert.Equal(HttpStatusCode.Forbidden, await nobody.ReadAsync("/api/chat/1/stream"));
        Assert.Equal(HttpStatusCode.Forbidden, await nobody.CancelAsync("/api/chat/1/stream"));
        Assert.Equal(HttpStatusCode.Forbidden, await nobody.CancelAsync("/agents/ag-ui/1/1"));
        (string Path, object Body)[] begun =
        [
            ("/session", new { }),
            ("/v1/responses", new { model = "demo", input = "Hello" }),
            ("/api/chat", GatewayClient.Chat("1")),
            ("/agents/ag-ui", GatewayClient.Run("1")),
        ];
        foreach (var (path, body) in begun)
        {
            using var answer = await nobody.Http.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }

        var other = await Of(_app.WithKey("id=alice")).GenerateAsync();
        Assert.Equal(HttpStatusCode.Forbidden, await nobody.ReadAsync(other));
    }

    [Fact]
    public async Task Without_a_credential_nothing_is_read_or_begun()
    {
        var generation = await Of(_app.WithKey("id=alice")).GenerateAsync();
        var anonymous = Of(_app.Anonymous());

        Assert.Equal(HttpStatusCode.Unauthorized, await anonymous.ReadAsync(generation));
        Assert.Equal(HttpStatusCode.Unauthorized, await anonymous.CancelAsync(generation));
        Assert.Equal(HttpStatusCode.Unauthorized, await anonymous.ReadAsync("/stream?prompt=Hello"));
    }

    private Task<(GatewayClient Own, GatewayClient Other)> PairAsync(string pair) => CallerPairs.OfAsync(_app, pair);

    private static GatewayClient Of(HttpClient client) => new(client);
}
