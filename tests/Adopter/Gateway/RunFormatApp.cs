using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
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
            (IRuns runs, IChatClient chat) =>
                TypedResults.RunStream(
                    RunFormat.Responses,
                    request => AskAsync(Guid.NewGuid().ToString("N"), request, runs, chat)
                )
        );
        app.MapGet(
            "/v1/responses/resp_{id}",
            (string id) => TypedResults.RunStream($"answers.{id}", RunFormat.Responses())
        );

        // The question is the run, so that each client of it reads the same one.
        app.MapPost(
            "/v1/chat/completions",
            (IRuns runs, IChatClient chat) =>
                TypedResults.RunStream(
                    RunFormat.ChatCompletions,
                    request => AskAsync(request.Messages[^1].Text, request, runs, chat)
                )
        );
        app.MapPost(
            "/v1/messages",
            (IRuns runs, IChatClient chat) =>
                TypedResults.RunStream(
                    RunFormat.Messages,
                    request => AskAsync(request.Messages[^1].Text, request, runs, chat)
                )
        );

        app.MapPost(
            "/api/chat",
            (IRuns runs, IChatClient chat) =>
                TypedResults.RunStream(
                    RunFormat.UiMessages,
                    request =>
                    {
                        // The page has run a tool: its output is what the next run is asked.
                        var result = ResultOf(request.NewMessages);
                        var id = result is null ? request.Id : $"{request.Id}-{result.CallId}";
                        return AskAsync(id, request, runs, chat);
                    }
                )
        );
        app.MapGet(
            "/api/chat/{id}/stream",
            (string id) => TypedResults.RunStream($"answers.{id}", RunFormat.UiMessages())
        );

        app.MapPost(
            "/agent",
            (IRuns runs, IChatClient chat) =>
                TypedResults.RunStream(RunFormat.AgUi, request => AskAsync(request.Id, request, runs, chat))
        );
    }

    private static FunctionResultContent? ResultOf(IEnumerable<ChatMessage> messages) =>
        messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().LastOrDefault();

    /// <summary>Starts a run, unless it was begun before.</summary>
    private static async Task<EventTopic> AskAsync(string? id, RunRequest request, IRuns runs, IChatClient chat)
    {
        EventTopic topic = $"answers.{id}";
        if (!topic.IsValid)
            throw new BadHttpRequestException("An id has letters, digits, - and _ only.");

        await runs.StartAsync(
            topic,
            (run, stop) => run.AppendAsync(chat.GetStreamingResponseAsync(request.Messages, cancellationToken: stop))
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
        var last = messages.Last();
        var question = ResultOf([last])?.Result?.ToString() ?? last.Text;
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
