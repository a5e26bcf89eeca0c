using System.ClientModel;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Adopter.Showing;
using Harness;
using Microsoft.Extensions.AI;
using Npgsql;
using OpenAI.Responses;

#pragma warning disable OPENAI001 // for evaluation only, says the vendor

namespace Adopter.Gateway;

/// <summary>Generations of providers with continuation tokens, whose process is lost: another one goes on.</summary>
public sealed class ContinuationTests : IAsyncLifetime
{
    private const string Responses = "/v1/responses";

    /// <summary>Processes that are lost; twenty, with a hundred answers, take three minutes.</summary>
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("CONTINUATION_KILLS") ?? "4");

    /// <summary>Quick to be taken over, without a grace at shutdown.</summary>
    private static readonly string[] Quick =
    [
        "--AspireSse:Runs:LeaseSeconds",
        "2",
        "--AspireSse:Runs:DrainSeconds",
        "0",
        "--AspireSse:Runs:MaxAttempts",
        "1000",
        "--AspireSse:Llm:Providers:background:AllowBackgroundResponses",
        "true",
    ];

    private readonly List<string> _begun = [];
    private SmallApp _upstream = null!;
    private string _database = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString;
        // A real one: this gateway has OpenAI's API of background responses.
        _upstream = await StartAsync(
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString,
            app =>
                app.Use(
                    (context, next) =>
                    {
                        if (context.Request.Path == Responses)
                            lock (_begun)
                                _begun.Add(context.Request.Method);
                        return next(context);
                    }
                ),
            _ => { },
            "--AspireSse:Llm:Providers:Demo:TokensPerSecond",
            "40"
        );
    }

    public ValueTask DisposeAsync() => _upstream.DisposeAsync();

    [Theory]
    [InlineData("demo", true)]
    [InlineData("demo", false)]
    [InlineData("background", true)]
    [InlineData("background", false)]
    public async Task A_generation_goes_on_in_another_process_and_its_provider_is_asked_once(
        string provider,
        bool isKilled
    )
    {
        await using var link = FaultyLink.To(_database, out var through);
        await using var staying = await StartAsync(_database);
        await using var leaving = await StartAsync(through);

        var generation = await BeginAsync(leaving, provider, "Go on, whatever happens.", tokens: 200);
        await using var reader = await SseReader.OpenAsync(staying.Server, generation + "/stream");
        await reader.WaitForEventsAsync(20);
        var dialects = await Task.WhenAll(
            DialectsOf(generation).Select(path => SseReader.OpenAsync(staying.Server, path).ToEventsAsync(5))
        );
        if (isKilled)
            link.Cut();
        else
            await leaving.StopAsync();

        await reader.WaitForEndAsync();
        Assert.Equal(
            [("restarted", 1), ("done", 1)],
            reader.Events.Where(e => e.Event != "token").GroupBy(e => e.Event!).Select(e => (e.Key, e.Count()))
        );
        Assert.Equal(await WholeAsync("Go on, whatever happens.", 200), TextOf(reader));
        var usage = JsonNode.Parse(reader.Events.Last().Data!)!["usage"]!;
        Assert.Equal(200, (int)usage["outputTokens"]!);

        // A reader from the start gets the same.
        await using var again = await SseReader.OpenAsync(staying.Server, generation + "/stream").ToEndAsync();
        Assert.Equal(reader.Events, again.Events);

        // Those of the dialects have seen one answer, and nothing of the way it came.
        foreach (var (dialect, path) in dialects.Zip(DialectsOf(generation)))
        {
            await dialect.WaitForEndAsync();
            Assert.True(dialect.EndedProperly, path);
            Assert.DoesNotContain(dialect.Events, e => e.Data!.Contains("continuation", StringComparison.Ordinal));
            await using var whole = await SseReader.OpenAsync(staying.Server, path).ToEndAsync();
            Assert.Equal(whole.Events, dialect.Events);
            await dialect.DisposeAsync();
        }

        Assert.Equal(provider == "demo" ? 0 : 1, _begun.Count);
        link.Heal();
    }

    /// <summary>A token alone, which no reader gets: an empty chunk would be the end of the body.</summary>
    [Fact]
    public async Task A_token_without_text_does_not_end_the_stream_of_a_reader()
    {
        var (thought, more) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var app = await StartAsync(
            _database,
            _ => { },
            builder =>
                builder.Services.AddKeyedSingleton<IChatClient>(
                    "background",
                    new ScriptedChatClient((_, _, stop) => AnswerAsync(stop), "own")
                )
        );
        var generation = await BeginAsync(app, "background", "Think first.", tokens: 100);

        await using var reader = await SseReader.OpenAsync(app.Server, generation + "/stream");
        await reader.WaitAsync(r => r.Frames.Count > 0);
        var before = reader.Frames.Count;
        thought.SetResult();
        await reader.WaitAsync(r => r.Frames.Skip(before).Any(f => f.Event == "position"));
        more.SetResult();
        await reader.WaitForEndAsync();
        Assert.Equal(["token", "done"], reader.Events.Select(e => e.Event));

        async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync([EnumeratorCancellation] CancellationToken stop)
        {
            await thought.Task.WaitAsync(stop);
            yield return new()
            {
                Role = ChatRole.Assistant,
                ContinuationToken = ResponseContinuationToken.FromBytes("place"u8.ToArray()),
            };
            await more.Task.WaitAsync(stop);
            yield return new(ChatRole.Assistant, "Said.") { FinishReason = ChatFinishReason.Stop };
        }
    }

    [Fact]
    public async Task A_cancelled_one_that_has_no_process_ends_as_cancelled()
    {
        string generation;
        await using (var leaving = await StartAsync(_database))
        {
            generation = await BeginAsync(leaving, "demo", "Long.", tokens: 4_000);
            await using var early = await SseReader.OpenAsync(leaving.Server, generation + "/stream");
            await early.WaitForEventsAsync(5);
            await leaving.StopAsync();
        }

        await using var source = NpgsqlDataSource.Create(_database);
        await using (var cancel = source.CreateCommand("update eventstore.runs set cancelled = true"))
            await cancel.ExecuteNonQueryAsync(Stop);
        await using var staying = await StartAsync(_database);
        await using var reader = await SseReader.OpenAsync(staying.Server, generation + "/stream");
        await reader.WaitForEndAsync();
        Assert.Equal("cancelled", (string?)JsonNode.Parse(reader.Events.Last().Data!)!["finishReason"]);
    }

    /// <summary>Three processes at a time; each kill is a cut from Postgres, and the killed one lives on.</summary>
    [Fact]
    public async Task After_many_kills_each_answer_is_whole_and_has_one_end()
    {
        var kills = Kills;
        var runs = Math.Min(100, 10 * Kills);
        // Long enough for the kills, each of which takes about five seconds.
        var (tokens, speed) = kills > 10 ? (4_000, 30) : (500 * kills, 60);
        var processes = new List<(SmallApp App, FaultyLink Link)>();
        var whole = await WholeAsync("Tell me all.", tokens);
        try
        {
            for (var i = 0; i < 3; i++)
                await AddAsync();

            var generations = await Task.WhenAll(
                Enumerable.Range(0, runs).Select(i => BeginAsync(processes[i % 3].App, "demo", "Tell me all.", tokens))
            );
            await using var watching = await StartAsync(_database, speed);
            var readers = await Task.WhenAll(
                generations.Select(g => SseReader.OpenAsync(watching.Server, g + "/stream"))
            );

            for (var kill = 1; kill <= kills; kill++)
            {
                // The oldest of the three that live. Each answer has gone on before the next kill.
                var had = readers.Select(r => r.Frames.Count).ToArray();
                processes[^3].Link.Cut();
                await AddAsync();
                await Task.WhenAll(readers.Select((r, i) => r.WaitAsync(now => now.Frames.Count > had[i] + 5)));
            }

            var texts = new List<string>();
            var restarts = 0;
            foreach (var reader in readers)
            {
                await reader.WaitForEndAsync();
                Assert.Single(reader.Events, e => e.Event is "done" or "error");
                texts.Add(TextOf(reader));
                restarts += reader.Events.Count(e => e.Event == "restarted");
                await reader.DisposeAsync();
            }

            var broken = texts.Count(text => text != whole);
            Assert.True(broken <= runs / 100, $"{broken} of {runs} answers differ");
            Assert.InRange(restarts, runs, kills * runs);
            foreach (var (_, link) in processes)
                link.Heal();
        }
        finally
        {
            foreach (var (app, link) in processes)
            {
                await app.DisposeAsync();
                await link.DisposeAsync();
            }
        }

        async Task AddAsync()
        {
            var link = FaultyLink.To(_database, out var through);
            processes.Add((await StartAsync(through, speed), link));
        }
    }

    /// <summary>The paths of a generation's stream in the protocols that join it at its start. AG-UI joins it with a
    /// snapshot.</summary>
    private static IEnumerable<string> DialectsOf(string generation) =>
        [
            generation.Replace("generations/", "responses/resp_", StringComparison.Ordinal) + "?stream=true",
            generation + "/stream?format=ui-messages",
        ];

    private Task<SmallApp> StartAsync(string database, int speed = 80) =>
        StartAsync(
            database,
            _ => { },
            builder =>
                builder.Services.AddKeyedSingleton<IChatClient>(
                    "background",
                    new ResponsesClient(
                        new ApiKeyCredential("sk-adopter"),
                        new ResponsesClientOptions { Endpoint = new Uri(_upstream.Server, "/v1") }
                    ).AsIChatClient("demo")
                ),
            "--AspireSse:Llm:Providers:Demo:TokensPerSecond",
            $"{speed}"
        );

    private static Task<SmallApp> StartAsync(
        string database,
        Action<WebApplication> use,
        Action<WebApplicationBuilder> add,
        params string[] settings
    ) =>
        SmallApp.StartAsync(
            app =>
            {
                use(app);
                app.MapLlmGateway().AllowAnonymous();
            },
            builder =>
            {
                builder.AddLlmGateway();
                add(builder);
            },
            database,
            [.. Quick, .. settings]
        );

    private static async Task<string> BeginAsync(SmallApp app, string provider, string content, int tokens)
    {
        using var begun = await app.Client.PostAsJsonAsync(
            "/v1/generations",
            new
            {
                provider,
                max_tokens = tokens,
                messages = new[] { new { role = "user", content } },
            },
            Stop
        );
        Assert.True(begun.IsSuccessStatusCode, await begun.Content.ReadAsStringAsync(Stop));
        return begun.Headers.Location!.ToString();
    }

    /// <summary>Returns what the model says without a fault.</summary>
    private static async Task<string> WholeAsync(string content, int tokens)
    {
        await using var quick = await StartAsync(
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString,
            _ => { },
            _ => { },
            "--AspireSse:Llm:Providers:Demo:TokensPerSecond",
            "0"
        );
        await using var reader = await SseReader.OpenAsync(
            quick.Server,
            await BeginAsync(quick, "demo", content, tokens) + "/stream"
        );
        await reader.WaitForEndAsync();
        return TextOf(reader);
    }

    private static string TextOf(SseReader reader) =>
        reader
            .Events.Where(e => e.Event == "token")
            .Aggregate(
                new StringBuilder(),
                (text, e) => text.Append(JsonDocument.Parse(e.Data!).RootElement.GetProperty("text").GetString())
            )
            .ToString();
}
