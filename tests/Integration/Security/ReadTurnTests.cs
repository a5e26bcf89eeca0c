using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Integration.Delivery;
using Microsoft.Extensions.DependencyInjection;
using Streaming.Admission;

namespace Integration.Security;

/// <summary>Every request that reads much of the log waits for its turn, whichever feature answers it. Reads of the
/// articles' tables have turns of their own (<c>RowTurnsTests</c>).</summary>
public sealed class ReadTurnTests(ReadTurnTests.OneTurn fixture) : IClassFixture<ReadTurnTests.OneTurn>
{
    private readonly World _system = fixture.System;

    private FairGate Reads => ((ServiceHost)_system.Replicas[0]).Services.GetRequiredService<Gates>().Reads;

    /// <summary>A replica in which one read has the turn.</summary>
    public sealed class OneTurn : SharedWorld
    {
        protected override int Broadcasters => 0;
        protected override Dictionary<string, string> Settings =>
            new()
            {
                ["AspireSse__EventStore__CommandTimeoutSeconds"] = "300",
                ["AspireSse__EventStore__ReadConnections"] = "1",
            };
    }

    [Fact]
    public async Task Reads_of_sessions_and_generations_take_turns_with_reads_of_history()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var http = new HttpClient { BaseAddress = _system.Replicas[0].Url };
        await World.PublishNumbersAsync(_system.Replicas[0], "t.1", 1, 1);

        using var created = await http.PostAsJsonAsync("/session", new { }, cancellationToken);
        var session = await created.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        var path = $"/session/{session.GetProperty("session_id").GetString()}";

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(path, cancellationToken)).StatusCode);

        // One of the reads has the only turn, and waits for the locked table.
        await using var locked = await LockedTable.LockAsync(_system.Database, "eventstore.events");
        string[] paths = ["/v1/events?topic=t.1", path, "/v1/generations/0123456789abcdef0123456789abcdef"];
        var history = http.GetAsync(paths[0], cancellationToken);
        var others = paths[1..].Select(read => http.GetAsync(read, cancellationToken)).ToList();

        await Eventually.HoldsAsync(() => Reads.Waiting == others.Count, "the others wait for the turn");

        await locked.ReleaseAsync();

        foreach (var read in others.Prepend(history))
            Assert.Contains((await read).StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.NotFound]);

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(path, cancellationToken)).StatusCode);
    }

    [Fact]
    public async Task The_answers_of_a_clients_sessions_wait_in_the_place_of_the_client()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var http = new HttpClient { BaseAddress = _system.Replicas[0].Url };
        using var created = await http.PostAsJsonAsync("/session", new { }, cancellationToken);
        var session = (await created.Content.ReadFromJsonAsync<JsonElement>(cancellationToken))
            .GetProperty("session_id")
            .GetString();

        // A list of topics holds the only turn, because its table is locked.
        await using var locked = await LockedTable.LockAsync(_system.Database, "eventstore.topics");
        var list = http.GetAsync("/v1/topics", cancellationToken);
        await Eventually.HoldsAsync(
            async () => await locked.WaitersAsync("table eventstore.topics") == 1,
            "the list waits for the table"
        );

        using var sent = await http.PostAsJsonAsync(
            $"/message/{session}",
            new { content = "Tell me of cats." },
            cancellationToken
        );
        Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        await Eventually.HoldsAsync(() => Reads.Waiting == 1, "the session waits for the turn");
        Assert.Equal(1, Reads.Clients);

        await locked.ReleaseAsync();
        Assert.Equal(HttpStatusCode.OK, (await list).StatusCode);
        await using var stream = await SseReader.OpenAsync(
            _system.Replicas[0].Url,
            $"/stream/{session}?last_event_id=0"
        );

        await stream.WaitAsync(r => r.Events.Any(e => e.Data == """{"type":"message_end"}"""));
    }
}
