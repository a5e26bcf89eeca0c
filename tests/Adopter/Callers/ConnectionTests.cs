using System.Net;

namespace Adopter.Callers;

/// <summary>Streams of callers who are named by no name: they are told apart, counted and shown.</summary>
public sealed class ConnectionTests
{
    private const string Stream = "/orders/7/events";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_caller_behind_one_address_has_its_own_maximum_of_streams()
    {
        await using var app = await CallersApp.StartAsync(configure: sse =>
        {
            sse.MaxConnections = 4;
            sse.MaxConnectionsPerClient = 2;
        });
        using var alice = app.WithToken(Schemes.Mapped, new { sub = "alice", name = "Ann" });
        using var mallory = app.WithToken(Schemes.Mapped, new { sub = "mallory", name = "Ann" });
        await using var first = await SseReader.OpenAsync(app.Server, Stream, client: alice);
        await using var second = await SseReader.OpenAsync(app.Server, Stream, client: alice);

        using var third = await alice.GetAsync(Stream, HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        await using var other = await SseReader.OpenAsync(app.Server, Stream, client: mallory);
    }

    [Fact]
    public async Task The_list_shows_the_name_of_a_user_or_else_the_subject()
    {
        await using var app = await CallersApp.StartAsync();
        using var unnamed = app.WithToken(Schemes.Mapped, new { sub = "alice" });
        using var named = app.WithToken(Schemes.Named, new { sub = "b", name = "Bob" });
        await using var first = await SseReader.OpenAsync(app.Server, Stream, client: unnamed);
        await using var second = await SseReader.OpenAsync(app.Server, Stream, client: named);

        using var anybody = app.Anonymous();
        var listed = (await anybody.GetFromJsonAsync<SseConnection[]>("/connections", Stop))!;
        Assert.Equal(["Bob", "alice"], listed.Select(c => c.User).Order(StringComparer.Ordinal));
    }
}
