using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Harness;
using Microsoft.Extensions.AI;

namespace Adopter.Gateway;

/// <summary>An application with a model of its own, whose answers the clients of five protocols read.</summary>
internal static class RunFormatApp
{
    /// <summary>Questions whose answers may go on after their half, in all tests of this process.</summary>
    private static readonly ConcurrentDictionary<string, TaskCompletionSource> Halves = [];

    /// <summary>Starts the application as a process of its own.</summary>
    public static Task<ServiceProcess> StartAsync(string database, CancellationToken cancellationToken) =>
        ServiceProcess.StartAsync(
            "Adopter",
            new Dictionary<string, string>
            {
                ["DOTNET_STARTUP_HOOKS"] = typeof(RunFormatApp).Assembly.Location,
                ["ConnectionStrings__log"] = database,
            },
            cancellationToken
        );

    /// <summary>Is the application, until the process is killed.</summary>
    public static void Run()
    {
        var builder = WebApplication.CreateBuilder(Environment.GetCommandLineArgs());
        builder.AddEventStore("log");
        builder.AddSse();
        Add(builder);
        var app = builder.Build();
        Map(app);
        app.Run();
    }

    public static void Add(WebApplicationBuilder builder)
    {
        builder.AddSseRuns();
        builder.Services.AddSingleton<IChatClient>(new ScriptedChatClient(AnswerAsync));
    }

    public static void Map(IEndpointRouteBuilder app)
    {
        var open = app.MapGroup("").AllowAnonymous();
        MapRuns(open);
        open.MapGet("/answers/{id}", (string id) => TypedResults.RunStream($"answers.{id}", RunFormat.Own));
        open.MapPost("/more", (string question) => HalfOf(question).TrySetResult());
    }

    /// <summary>The lines of docs/llm-gateway.md#runs-of-an-application.</summary>
    private static void MapRuns(RouteGroupBuilder app)
    {
        app.MapPost(
            "/v1/responses",
            async (JsonElement body, IRuns runs, IChatClient chat) =>
            {
                var topic = await AskAsync(runs, chat, Guid.NewGuid().ToString("N"), InputOf(body));
                return TypedResults.RunStream(topic, RunFormat.Responses(body));
            }
        );
        app.MapGet(
            "/v1/responses/resp_{id}",
            (string id) => TypedResults.RunStream($"answers.{id}", RunFormat.Responses())
        );

        // The question is the run, so that each client of it reads the same one.
        app.MapPost(
            "/v1/chat/completions",
            async (JsonElement body, IRuns runs, IChatClient chat) =>
                TypedResults.RunStream(await AskAsync(runs, chat, body), RunFormat.ChatCompletions(body))
        );
        app.MapPost(
            "/v1/messages",
            async (JsonElement body, IRuns runs, IChatClient chat) =>
                TypedResults.RunStream(await AskAsync(runs, chat, body), RunFormat.Messages(body))
        );

        app.MapPost(
            "/api/chat",
            async (JsonElement body, IRuns runs, IChatClient chat) =>
            {
                var id = body.GetProperty("id").GetString()!;
                var last = body.GetProperty("messages").EnumerateArray().Last();
                var part = last.GetProperty("parts").EnumerateArray().Last();
                // The page has run a tool: its output is what the next run is asked.
                var topic = part.TryGetProperty("output", out var output)
                    ? await AskAsync(runs, chat, $"{id}-{part.GetProperty("toolCallId").GetString()}", output)
                    : await AskAsync(runs, chat, id, part.GetProperty("text"));
                return TypedResults.RunStream(topic, RunFormat.UiMessages(body));
            }
        );
        app.MapGet(
            "/api/chat/{id}/stream",
            (string id) => TypedResults.RunStream($"answers.{id}", RunFormat.UiMessages())
        );

        app.MapPost(
            "/agent",
            async (JsonElement body, IRuns runs, IChatClient chat) =>
            {
                var text = body.GetProperty("messages")[0].GetProperty("content");
                var topic = await AskAsync(runs, chat, body.GetProperty("runId").GetString()!, text);
                return TypedResults.RunStream(topic, RunFormat.AgUi(body));
            }
        );
    }

    /// <summary>The text of OpenAI's client, or the last message that other clients make of it.</summary>
    private static JsonElement InputOf(JsonElement body)
    {
        var input = body.GetProperty("input");
        return input.ValueKind == JsonValueKind.String
            ? input
            : input.EnumerateArray().Last().GetProperty("content")[0].GetProperty("text");
    }

    private static Task<EventTopic> AskAsync(IRuns runs, IChatClient chat, JsonElement body)
    {
        var question = body.GetProperty("messages").EnumerateArray().Last().GetProperty("content");
        return AskAsync(runs, chat, question.GetString()!, question);
    }

    /// <summary>Starts a run, unless it was begun before.</summary>
    private static async Task<EventTopic> AskAsync(IRuns runs, IChatClient chat, string id, JsonElement text)
    {
        EventTopic topic = $"answers.{id}";
        var question = text.GetString()!;
        await runs.StartAsync(
            topic,
            (run, stop) => run.AppendAsync(chat.GetStreamingResponseAsync(question, cancellationToken: stop))
        );
        return topic;
    }

    private static TaskCompletionSource HalfOf(string question) => Halves.GetOrAdd(question, _ => new());

    /// <summary>Answers the half, and the rest when it may; the question <c>fail</c> has no rest, and <c>where</c> asks
    /// the page.</summary>
    private static async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        [EnumeratorCancellation] CancellationToken stop
    )
    {
        var question = messages.Last().Text;
        if (question == "where")
        {
            yield return new(ChatRole.Assistant, "I look. ");
            var call = new FunctionCallContent("place", "locate", new Dictionary<string, object?>());
            yield return new(ChatRole.Assistant, [call]) { FinishReason = ChatFinishReason.ToolCalls };
            yield break;
        }

        yield return new(ChatRole.Assistant, [new TextReasoningContent("It is long.")]);
        // A tool of the application's own.
        yield return new(
            ChatRole.Assistant,
            [new FunctionCallContent("c1", "look", new Dictionary<string, object?>())]
        );
        yield return new(ChatRole.Tool, [new FunctionResultContent("c1", "seen")]);
        for (var word = 0; word < 5; word++)
            yield return new(ChatRole.Assistant, $"word{word} 語 ");

        await HalfOf(question).Task.WaitAsync(stop);
        if (question == "fail")
            throw new InvalidOperationException("The model is broken.");

        for (var word = 5; word < 10; word++)
            yield return new(ChatRole.Assistant, $"word{word} 語 ");
        yield return new(ChatRole.Assistant, "end");
        yield return new(
            ChatRole.Assistant,
            [
                new UsageContent(
                    new UsageDetails
                    {
                        InputTokenCount = 7,
                        OutputTokenCount = 11,
                        TotalTokenCount = 18,
                    }
                ),
            ]
        )
        {
            FinishReason = ChatFinishReason.Stop,
            ModelId = "own-model",
        };
    }
}
