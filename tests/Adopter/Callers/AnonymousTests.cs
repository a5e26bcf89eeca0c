using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Adopter.Callers;

/// <summary>A gateway that takes anybody: there the id of what was begun is the right to it.</summary>
public sealed class AnonymousTests(OpenCallers callers) : IClassFixture<OpenCallers>
{
    private readonly CallersApp _app = callers.App;
    private readonly GatewayClient _anonymous = new(callers.App.Anonymous());
    private readonly GatewayClient _alice = new(callers.App.WithToken(Schemes.Mapped, new { sub = "alice" }));

    [Fact]
    public async Task An_anonymous_answer_continues_after_the_ids_that_its_reader_got()
    {
        var ids = await _anonymous.AskAsync();

        Assert.All(ids, id => Assert.Matches("^[A-Za-z0-9._~-]{1,128}$", id));
        foreach (var id in ids[..^1])
            Assert.Contains("event: end", await _anonymous.ContinueAsync(id), StringComparison.Ordinal);
        Assert.Equal("", await _anonymous.ContinueAsync(ids[^1]));
    }

    [Fact]
    public async Task A_counted_position_continues_nobodys_answer()
    {
        var ids = await _anonymous.AskAsync();
        var others = await _anonymous.AskAsync();
        var place = ids[0].Split('~')[0];

        string[] guesses = [place, $"{place}~", $"{place}~{new string('0', 32)}", $"{place}~{others[0].Split('~')[1]}"];
        foreach (var guess in guesses)
            Assert.DoesNotContain(
                GatewayClient.Secret,
                await _anonymous.ContinueAsync(guess),
                StringComparison.Ordinal
            );

        // Nor does it for somebody who signed in, even with the whole id.
        Assert.Equal("", await _alice.ContinueAsync(ids[0]));
    }

    [Fact]
    public async Task The_id_is_the_right_to_what_nobody_signed_in_for_and_no_right_to_what_somebody_did()
    {
        var own = await _anonymous.GenerateAsync();
        Assert.Equal(HttpStatusCode.OK, await _anonymous.ReadAsync(own));
        Assert.Equal(HttpStatusCode.Forbidden, await _alice.ReadAsync(own));
        Assert.Equal(HttpStatusCode.OK, await _anonymous.CancelAsync(own));
        var session = await _anonymous.BeginSessionAsync();
        Assert.Equal(HttpStatusCode.OK, await _anonymous.SayAsync(session));

        var hers = await _alice.GenerateAsync();
        Assert.Equal(HttpStatusCode.OK, await _alice.ReadAsync(hers));
        Assert.Equal(HttpStatusCode.Forbidden, await _anonymous.ReadAsync(hers));
        Assert.Equal(HttpStatusCode.Forbidden, await _anonymous.CancelAsync(hers));
        Assert.Equal("", await _anonymous.ContinueAsync((await _alice.AskAsync())[0]));
        Assert.Equal(HttpStatusCode.Forbidden, await _anonymous.SayAsync(await _alice.BeginSessionAsync()));
    }

    /// <summary>A short one is somebody else's too, and would give out the id.</summary>
    [Fact]
    public async Task An_anonymous_idempotency_key_is_a_secret_too()
    {
        using var refused = await _anonymous.TryGenerateAsync("1");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);

        var key = Guid.NewGuid().ToString();
        var generation = await _anonymous.GenerateAsync(key);
        Assert.Equal(generation, await _anonymous.GenerateAsync(key));
        Assert.NotEqual(generation, await _alice.GenerateAsync(key));
        Assert.NotEqual(generation, await _anonymous.GenerateAsync(Guid.NewGuid().ToString()));
    }

    /// <summary>Clients name chats and runs; a short name is somebody else's guess.</summary>
    [Theory]
    [InlineData("1", false)]
    [InlineData("my-chat", false)]
    [InlineData("Zk3r9QpX0aLm72Tc", true)]
    public async Task A_name_that_its_client_chose_is_a_right_only_if_nobody_can_guess_it(string name, bool isRight)
    {
        using var http = _app.Anonymous();
        var stranger = new GatewayClient(http);
        var chat = $"/api/chat/{name}/stream";
        Assert.Contains(GatewayClient.Secret, await _anonymous.ChatAsync(name));
        Assert.Contains(GatewayClient.Secret, await _anonymous.TextAsync("/agents/ag-ui", GatewayClient.Run(name)));

        var other = await stranger.TextAsync("/agents/ag-ui", GatewayClient.Run(name, "another-question"));
        Assert.Equal(isRight, other.Contains(GatewayClient.Secret, StringComparison.Ordinal));
        Assert.Equal(isRight ? HttpStatusCode.OK : HttpStatusCode.NoContent, await stranger.ReadAsync(chat));
        Assert.Equal(HttpStatusCode.NoContent, await stranger.CancelAsync(chat));
        Assert.Equal(
            isRight ? HttpStatusCode.NoContent : HttpStatusCode.NotFound,
            await stranger.CancelAsync($"/agents/ag-ui/thread/{name}")
        );

        // What anybody can compute of a guess is no other way to it.
        var guess = Convert.ToHexStringLower(
            SHA256.HashData(Encoding.UTF8.GetBytes($"0:5:ag-ui6:thread{name.Length}:{name}"))[..16]
        );
        Assert.Equal(
            isRight ? HttpStatusCode.OK : HttpStatusCode.NotFound,
            await stranger.ReadAsync($"/v1/generations/{guess}")
        );
        Assert.Equal(HttpStatusCode.NoContent, await _alice.ReadAsync(chat));
    }

    /// <summary>No policy looks at it there.</summary>
    [Fact]
    public async Task A_ticket_that_is_none_is_refused_also_where_anybody_may_read()
    {
        var ticket = await _alice.TicketAsync(">");
        Assert.Equal(HttpStatusCode.OK, await _anonymous.ReadAsync($"/all?ticket={ticket}"));
        foreach (var wrong in (string[])["garbage", "", $"{ticket}A", $"{ticket}&ticket={ticket}"])
            Assert.Equal(HttpStatusCode.Unauthorized, await _anonymous.ReadAsync($"/all?ticket={wrong}"));
    }

    [Fact]
    public async Task A_ticket_begins_nothing_also_where_anybody_may()
    {
        var ticket = await _alice.TicketAsync(">");
        Assert.Equal(HttpStatusCode.Forbidden, await _anonymous.ReadAsync($"/stream?prompt=Hello&ticket={ticket}"));
    }
}
