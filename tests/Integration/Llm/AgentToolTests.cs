using System.ClientModel;
using System.Text.Json;
using Integration.Seeds;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenAI;

namespace Integration.Llm;

/// <summary>Tools with a side effect: each call leaves its trace first, and runs at most once.</summary>
public sealed class AgentToolTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string MayHaveRun = "`pay` may have run";

    public static MatrixTheoryData<Phase, Agent> Kills => new(Enum.GetValues<Phase>(), Enum.GetValues<Agent>());

    /// <summary>The replica is so busy that it stores nothing by itself while the tool runs.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_call_is_durable_before_its_tool_begins(bool isSession)
    {
        await using var busy = await StartAsync(("AspireSse__Llm__CoalesceMilliseconds", "400"));
        var call = $"call_{Guid.NewGuid():N}";
        var stored = -1L;
        AIFunctionArguments? given = null;
        Give(
            busy,
            async arguments =>
            {
                given = arguments;
                stored = await World.Database.AskAsync<long>(
                    $"select count(*) from eventstore.events where type = 'tool_use' and data like '%{call}%'"
                );
                return "paid";
            }
        );

        // The events of the first call begin the interval in which the second one's would wait.
        var agent = isSession ? Agent.Session : Agent.Stream;
        var (path, _) = await AskAsync(busy, Paying("call_0", call), agent);
        await using var reader = await SseReader.OpenAsync(busy.Service.Url, path);
        await reader.WaitAsync(r => r.Events.Any(e => e.Data!.Contains("thank you", StringComparison.Ordinal)));
        Assert.Equal(1, stored);
        Assert.Equal(call, given!.Context!["callId"]);
        Assert.StartsWith(isSession ? "sessions." : "agents.", (string?)given.Context["topic"]);
    }

    /// <summary>A process may die at any time. Nothing asks the model again, so nothing calls the tool again.</summary>
    [Theory]
    [MemberData(nameof(Kills))]
    public async Task A_killed_replica_leaves_an_answer_that_names_a_call_without_a_result(Phase phase, Agent agent)
    {
        await using var dying = await StartAsync();
        await using var log = await World.Database.OpenConnectionAsync(Stop);
        var reached = new TaskCompletionSource();
        var paid = 0;
        Give(
            dying,
            async _ =>
            {
                Interlocked.Increment(ref paid);
                if (phase == Phase.InTool)
                    await HangAsync();
                // Until the end of the transaction nobody appends to the log.
                if (phase == Phase.Storing)
                {
                    await ExecuteAsync(log, "begin; select eventstore.lock_log()");
                    reached.TrySetResult();
                }

                return "paid";
            }
        );
        var prompt = Paying(
            ["call_1"],
            results =>
                phase == Phase.Asking || (phase == Phase.Stored && results == 1) ? HangAsync() : Task.CompletedTask
        );
        var (path, session) = await AskAsync(dying, prompt, agent);
        await using var first = agent != Agent.Stream ? null : await SseReader.OpenAsync(dying.Service.Url, path);

        await reached.Task.WaitAsync(TimeSpan.FromMinutes(1), Stop);
        // Of this replica: others of the same log wait for it too.
        if (phase == Phase.Storing)
            await Eventually.HoldsAsync(async () => await WaitersAsync() > 0);
        await dying.KillAsync();
        if (phase == Phase.Storing)
            await ExecuteAsync(log, "rollback");

        await using var reader = await SseReader.OpenAsync(B.Url, path, first?.LastId);
        await reader.WaitAsync(r => r.Events.Any(IsInterrupted));
        AssertTold(phase, agent, reader);
        Assert.Equal(phase == Phase.Asking ? 0 : 1, paid);
        Assert.Equal(phase == Phase.Stored ? 2 : 1, Upstream.Attempts(prompt));
        if (agent == Agent.Session && phase == Phase.InTool)
            Assert.Equal(["assistant:call_1", "tool:call_1", "user:"], (await NextTurnAsync(session)).TakeLast(3));

        async Task HangAsync()
        {
            reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, Stop);
        }

        Task<long> WaitersAsync() =>
            World.Database.AskAsync<long>(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%append%' "
                    + $"and application_name = '{dying.ApplicationName}'"
            );
    }

    private static bool IsInterrupted(Frame frame) =>
        frame.Data!.Contains("The server stopped", StringComparison.Ordinal);

    private static void AssertTold(Phase phase, Agent agent, SseReader reader)
    {
        var error = reader.Events.Single(IsInterrupted).Json();
        if (agent == Agent.Own)
        {
            // AG-UI's clients get the call, and the result that is stored.
            var messages = reader.Events.Where(e => e.Data!.Contains("MESSAGES_SNAPSHOT", StringComparison.Ordinal));
            var shown = string.Concat(messages.Select(e => e.Data));
            Assert.Equal(phase != Phase.Asking, shown.Contains("\"toolCalls\"", StringComparison.Ordinal));
            // The store may still take an append whose process has died meanwhile.
            if (phase != Phase.Storing)
                Assert.Equal(phase == Phase.Stored, shown.Contains("\"toolCallId\"", StringComparison.Ordinal));
            return;
        }

        var isUnknown = phase is Phase.InTool or Phase.Storing;
        Assert.Equal(isUnknown, error.Text("error")!.Contains(MayHaveRun, StringComparison.Ordinal));
        Assert.Equal(
            agent == Agent.Session && phase == Phase.Asking,
            error.Text("error")!.Contains("again", StringComparison.OrdinalIgnoreCase)
        );
    }

    /// <summary>The message would otherwise be answered again, by another replica, with the same call.</summary>
    [Fact]
    public async Task A_stopping_replica_ends_the_turn_of_a_tool_that_does_not_stop()
    {
        await using var stopping = await StartAsync(("AspireSse__Runs__DrainSeconds", "1"));
        var (begun, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        Give(
            stopping,
            async _ =>
            {
                begun.TrySetResult();
                await end.Task;
                return "paid";
            }
        );
        var prompt = Paying("call_1");
        var (path, _) = await AskAsync(stopping, prompt, Agent.Session);
        await begun.Task.WaitAsync(TimeSpan.FromMinutes(1), Stop);

        await stopping.Service.StopAsync(Stop);
        await using var reader = await SseReader.OpenAsync(B.Url, path);
        await LlmSystem.AnsweredAsync(reader);
        end.SetResult();
        Assert.Contains(MayHaveRun, reader.Events.SkipLast(1).Last().Json().Text("error"), StringComparison.Ordinal);
        Assert.Equal(1, Upstream.Attempts(prompt));
    }

    /// <summary>A result that is text has no quotes for the model.</summary>
    [Fact]
    public async Task Later_turns_of_a_session_have_the_calls_and_their_results()
    {
        await using var replica = await StartAsync();
        var begun = new TaskCompletionSource();
        Give(
            replica,
            _ =>
            {
                begun.TrySetResult();
                return Task.FromResult<object?>("paid");
            }
        );
        var (path, session) = await AskAsync(replica, Paying("call_1", "call_2"), Agent.Session);
        // Before the stream: the replica of a stream answers too.
        await begun.Task.WaitAsync(TimeSpan.FromMinutes(1), Stop);
        await using var reader = await SseReader.OpenAsync(B.Url, path);
        await LlmSystem.AnsweredAsync(reader);

        Assert.Equal(
            ["assistant:call_1", "tool:call_1paid", "assistant:call_2", "tool:call_2paid", "assistant:", "user:"],
            (await NextTurnAsync(session)).TakeLast(6)
        );
        Assert.Equal("I will pay. paid paid thank you", LlmSystem.Text(reader.Events, "data"));
    }

    private async Task<MortalReplica> StartAsync(params (string Name, string Value)[] settings) =>
        await MortalReplica.StartAsync(World, settings.ToDictionary(s => s.Name, s => s.Value));

    private static void Give(MortalReplica replica, Func<AIFunctionArguments, Task<object?>> pay) =>
        ((ServiceHost)replica.Service)
            .Services.GetRequiredService<IOptions<LlmGatewayOptions>>()
            .Value.AddTool(AIFunctionFactory.Create((AIFunctionArguments given) => pay(given), "pay", "Pays."));

    /// <summary>Asks a question whose answer pays, and returns the path of its stream and the session.</summary>
    private async Task<(string Path, string Session)> AskAsync(MortalReplica replica, string prompt, Agent agent)
    {
        if (agent == Agent.Stream)
            return ($"/stream?provider=openai&prompt={Uri.EscapeDataString(prompt)}", "");
        if (agent == Agent.Own)
            return (await StartOwnAsync(((ServiceHost)replica.Service).Services, prompt), "");

        var session = await LlmSystem.SessionAsync(replica.Service);
        await LlmSystem.SendAsync(replica.Service, session, prompt);
        return ($"/stream/{session}", session);
    }

    /// <summary>Starts an answer of Microsoft's function invocation. It has the name of a generation, because every
    /// replica shows such a run in AG-UI.</summary>
    private async Task<string> StartOwnAsync(IServiceProvider services, string prompt)
    {
        var pay = services.GetRequiredService<IOptions<LlmGatewayOptions>>().Value.Tools[^1].Function;
        var endpoint = new OpenAIClientOptions { Endpoint = new Uri(Upstream.Url, "/v1") };
        var chat = new OpenAIClient(new ApiKeyCredential(LlmSystem.Key), endpoint)
            .GetChatClient("gpt-4o")
            .AsIChatClient()
            .AsBuilder()
            .UseFunctionInvocation()
            .Build();

        var id = Guid.NewGuid().ToString("N");
        var options = new ChatOptions { Tools = [pay] };
        await services
            .GetRequiredService<IRuns>()
            .StartAsync(
                $"generations.{id}",
                (run, stop) => run.AppendAsync(chat.GetStreamingResponseAsync(prompt, options, stop)),
                Stop
            );
        return $"/v1/generations/{id}/stream?format=ag-ui";
    }

    /// <summary>An answer that makes the calls one after the other, and says each result before the next one.</summary>
    private string Paying(params string[] calls) => Paying(calls, _ => Task.CompletedTask);

    /// <param name="beforeAsync">Called before each answer with the number of the calls' results.</param>
    private string Paying(string[] calls, Func<int, Task> beforeAsync) =>
        Upstream.On(async request =>
        {
            var results = request
                .Body.At("messages")
                .EnumerateArray()
                .Where(message => message.Text("role") == "tool")
                .Select(message => message.Text("content"))
                .ToList();
            await beforeAsync(results.Count);
            if (results.Count == calls.Length)
            {
                await request.SayAsync($"{results[^1]} thank you");
                return;
            }

            await request.StartAsync();
            await request.TokenAsync(results.Count == 0 ? "I will pay. " : $"{results[^1]} ");
            await request.EventsAsync(
                """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"type":"function","""
                    + $$$""" "id":"{{{calls[results.Count]}}}","function":{"name":"pay","arguments":"{}"}}]},"""
                    + """ "finish_reason":"tool_calls"}]}""",
                "[DONE]"
            );
        });

    /// <summary>Sends a message, and returns what its model gets: the role of each message, and its call.</summary>
    private async Task<IEnumerable<string>> NextTurnAsync(string session)
    {
        var seen = new TaskCompletionSource<JsonElement>();
        var next = Upstream.On(request =>
        {
            seen.TrySetResult(request.Body);
            return request.SayAsync("yes");
        });
        await LlmSystem.SendAsync(B, session, next);

        return (await seen.Task.WaitAsync(TimeSpan.FromMinutes(1), Stop))
            .At("messages")
            .EnumerateArray()
            .Select(message =>
            {
                var call = message.TryGetProperty("tool_calls", out var calls) ? calls[0].Text("id") : null;
                var result = message.TryGetProperty("tool_call_id", out var id) ? id.GetString() : null;
                var text = result is not null && message.Text("content") == "paid" ? "paid" : null;
                return $"{message.Text("role")}:{call}{result}{text}";
            });
    }

    private static async Task ExecuteAsync(Npgsql.NpgsqlConnection connection, string statements)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = statements;
        await command.ExecuteNonQueryAsync(Stop);
    }
}

/// <summary>The protocol of an agent's answer.</summary>
public enum Agent
{
    Stream,
    Session,

    /// <summary>A run of the application, which calls its tools itself, in AG-UI.</summary>
    Own,
}

/// <summary>The work of an agent when its process dies.</summary>
public enum Phase
{
    /// <summary>The model has not answered.</summary>
    Asking,
    InTool,

    /// <summary>The tool has returned, and its result is not stored.</summary>
    Storing,

    /// <summary>The result is stored, and the model has not answered it.</summary>
    Stored,
}
