using System.Net.Http.Headers;
using System.Net.Http.Json;
using Harness;

namespace Integration.Security;

/// <summary>A run's stream ends with its credential in every protocol, and the run goes on.</summary>
public sealed class RunEndingTests(SlowModelSystem system) : IClassFixture<SlowModelSystem>
{
    private const string Text = "Tell me of cats.";

    private static readonly string[] Runs = ["generations.*"];
    private static readonly string Ann = Tokens.Of("ann", Runs, Runs);

    private Uri A => system.A;
    private Uri B => system.B;

    [Fact]
    public async Task A_run_is_cut_off_at_the_end_of_its_readers_token_in_every_protocol_and_a_new_one_reads_on()
    {
        var id = await BeginAsync();
        var chat = Guid.NewGuid().ToString("N");
        var message = new { role = "user", content = Text };
        var parts = new[] { new { type = "text", text = Text } };
        var agent = new { threadId = chat, messages = new[] { message } };
        (string Path, object? Body)[] requests =
        [
            ($"/v1/generations/{id}/stream?format=ui-messages", null),
            ($"/v1/generations/{id}/stream?format=ag-ui", null),
            ($"/v1/responses/resp_{id}?stream=true", null),
            (
                "/v1/responses",
                new
                {
                    model = "demo",
                    input = Text,
                    stream = true,
                    background = true,
                }
            ),
            ("/api/chat", new { id = chat, messages = new[] { new { role = "user", parts } } }),
            ($"/api/chat/{chat}/stream", null),
            (
                "/agents/ag-ui",
                new
                {
                    agent.threadId,
                    runId = chat,
                    agent.messages,
                }
            ),
        ];

        var token = Tokens.Of("ann", Runs, Runs, life: TimeSpan.FromSeconds(10));
        var readers = new List<SseReader>();
        foreach (var (path, body) in requests)
            readers.Add(await OpenAsync(path, token, body));

        foreach (var (request, reader) in requests.Zip(readers))
        {
            await reader.WaitForEndAsync();
            // AG-UI's clients do not expect a break.
            var isTold = request.Path.Contains("ag-ui", StringComparison.Ordinal);
            Assert.Equal((request.Path, isTold), (request.Path, reader.EndedProperly));
            if (isTold)
                Assert.Contains("\"stream_ended\"", reader.Events.Last().Data!, StringComparison.Ordinal);
            Assert.DoesNotContain(reader.Frames, frame => frame.Event == "unauthorized");
            Assert.NotEmpty(reader.Frames);
            await reader.DisposeAsync();
        }

        var state = await B.JsonAsync($"GET /v1/generations/{id}", Ann);
        Assert.Equal("running", state.GetProperty("status").GetString());
        await B.ExpectAsync(200, $"GET /api/chat/{chat}/stream", Ann);
    }

    [Fact]
    public async Task A_ticket_has_one_connection_in_every_protocol_until_it_expires()
    {
        var id = await BeginAsync();
        var ticket = await A.TicketAsync(Ann, $"generations.{id}", expiresIn: 10);
        var path = $"/v1/generations/{id}/stream?ticket={ticket}";
        await using var first = await OpenAsync($"{path}&format=ui-messages");
        await using var second = await OpenAsync($"{path}&format=ag-ui");

        await first.WaitForEndAsync();
        Assert.False(first.EndedProperly);
        var sent = second.Frames.Count;
        await second.WaitAsync(r => r.Frames.Count > sent + 2);

        await second.WaitForEndAsync();
        Assert.Contains("\"stream_ended\"", second.Events.Last().Data!, StringComparison.Ordinal);
        await A.ExpectAsync(401, $"GET {path}");
    }

    private async Task<string> BeginAsync()
    {
        var question = new { model = "demo", messages = new[] { new { role = "user", content = Text } } };
        return (await A.JsonAsync("POST /v1/generations", Ann, question)).GetProperty("id").GetString()!;
    }

    private Task<SseReader> OpenAsync(string path, string? token = null, object? body = null)
    {
        var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        if (token is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);

        return body is null
            ? SseReader.OpenAsync(A, path, client: client)
            : SseReader.OpenAsync(A, path, method: HttpMethod.Post, body: JsonContent.Create(body), client: client);
    }
}
