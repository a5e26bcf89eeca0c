using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;
using Streaming.Refusals;

namespace LlmGateway.Dialects.AgUi;

/// <summary>
/// <c>POST /agents/ag-ui</c>, AG-UI 1.0: each caller has its own names of threads and runs. A known run is not begun
/// again; its client rejoins it (<see cref="AgUiWriter"/>).
/// </summary>
internal static class AgUiApi
{
    public const string Path = "/agents/ag-ui";

    private const string Reference = "https://docs.ag-ui.com/concepts/events";

    private static readonly string[] Events = (
        "RUN_STARTED MESSAGES_SNAPSHOT TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END REASONING_START "
        + "REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT REASONING_MESSAGE_END REASONING_ENCRYPTED_VALUE "
        + "REASONING_END TOOL_CALL_START TOOL_CALL_ARGS TOOL_CALL_END TOOL_CALL_RESULT RUN_FINISHED RUN_ERROR"
    ).Split(' ');

    public static void MapAgUi(this IEndpointRouteBuilder app)
    {
        var agent = app.MapGroup(Path).WithTags("AG-UI");
        agent
            .MapPost("", RunAsync)
            .Publishes("generations.*")
            .CountedAs(GenerationLimit.Requests)
            .RefusesAs(AgUiFormat.Instance.RefuseAsync)
            .Body(typeof(RunAgentInput))
            .Streams(Reference, "A known `runId` rejoins its run: the part so far is a `MESSAGES_SNAPSHOT`.", Events);

        agent
            .MapDelete("/{threadId}/{runId}", CancelAsync)
            .Publishes("generations.*")
            .CountedAs(RequestKind.Publish)
            .RefusesAs(AgUiFormat.Instance.RefuseAsync)
            .Produces(StatusCodes.Status204NoContent);
    }

    private static Task RunAsync(
        HttpContext context,
        VendorHandler handler,
        Generator generator,
        RunUpdates updates,
        PromptStore prompts,
        RunThreads threads,
        ChatProviders providers,
        OwnerAccess access,
        IOptions<LlmOptions> options
    )
    {
        var format = AgUiFormat.Instance;
        return handler.AnswerAsync(context, format, AnswerAsync);

        async Task AnswerAsync()
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            var (threadId, runId) = AgUiRequestReader.NamesOf(body);
            var owner = access.OwnerOf(context);
            var client = access.ClientOf(context);
            var (name, known) = await FindAsync(context, access, updates, threadId, runId);

            if (known is not null)
            {
                await JoinAsync(context, handler, updates, known, body, () => prompts.ReadAsync(context, known.Name));
                return;
            }

            var begun = name ?? new RunName(GenerationName.Kind, Guid.CreateVersion7().ToString("N"));
            var thread = RunThreads.IdOf(owner, "ag-ui", threadId);
            var isOwn = await RunThreads.MayReadAsync(context, access, begun, threadId);

            var (call, prompt) = AgUiRequestReader.Read(body, providers);
            await handler.StreamAsync(
                context,
                format,
                () => threads.StartAsync(thread, begun, client, isOwn, StartAsync),
                run => new AgUiWriter(run, threadId, runId),
                isNew: true
            );

            Task<RunHead> StartAsync(Func<Task> preparedAsync) =>
                generator.StartAsync(call.From(client), prompt, begun.Id, owner, CancellationToken.None, preparedAsync);
        }
    }

    /// <summary>Streams a run that has begun: a snapshot of the part so far, then the rest.</summary>
    /// <param name="context">The request.</param>
    /// <param name="handler">Streams it.</param>
    /// <param name="updates">Reads it.</param>
    /// <param name="known">The run.</param>
    /// <param name="body">The request's body.</param>
    /// <param name="promptAsync">Reads the run's prompt. Null if only the client knows the prompt; there is then no
    /// snapshot before the first update.</param>
    public static async Task JoinAsync(
        HttpContext context,
        VendorHandler handler,
        RunUpdates updates,
        RunHead known,
        JsonElement body,
        Func<Task<RunPrompt?>>? promptAsync = null
    )
    {
        var (threadId, runId) = AgUiRequestReader.NamesOf(body);
        IReadOnlyList<ChatResponseUpdate>? soFar = null;
        JsonArray? history = null;
        await handler.StreamAsync(
            context,
            AgUiFormat.Instance,
            async () =>
            {
                soFar = (await updates.SoFarAsync(context, known)).Updates;
                if (soFar.Count == 0 && promptAsync is null)
                    soFar = null;
                else
                    history = AgUiMessages.Of(body, promptAsync is null ? null : await promptAsync(), known.Name);
                return known;
            },
            run => new AgUiWriter(run, threadId, runId, soFar, history)
        );
    }

    /// <summary>Cancels a run: the client's <c>abortRun()</c> only closes its own connection.</summary>
    private static Task CancelAsync(
        string threadId,
        string runId,
        HttpContext context,
        VendorHandler handler,
        RunUpdates updates,
        AllRuns runs,
        OwnerAccess access,
        TimeProvider clock
    ) =>
        handler.AnswerAsync(
            context,
            AgUiFormat.Instance,
            async () =>
            {
                var thread = PathName.Of(context, threadId, fromEnd: 2);
                var run = PathName.Of(context, runId, fromEnd: 1);
                if (await FindAsync(context, access, updates, thread, run) is not (_, { } known))
                {
                    await AgUiFormat.Instance.WriteAsync(context, NotFound);
                    return;
                }

                await runs.CancelAndWaitAsync(known.Name, clock, context.RequestAborted);
                context.Response.StatusCode = StatusCodes.Status204NoContent;
            }
        );

    public static VendorError NotFound { get; } =
        new(StatusCodes.Status404NotFound, "run_not_found", "There is no such run.");

    /// <summary>Returns the name of the run that the client names, and the run's head if it has begun. Returns neither
    /// if others could guess the client's names: the run can then be neither joined nor cancelled.</summary>
    private static async Task<(RunName? Name, RunHead? Known)> FindAsync(
        HttpContext context,
        OwnerAccess access,
        RunUpdates updates,
        string threadId,
        string runId
    )
    {
        var id = RunThreads.IdOf(access.OwnerOf(context), "ag-ui", threadId, runId);
        var name = new RunName(GenerationName.Kind, id);
        var known = await updates.FindAsync(name, context.RequestAborted);
        return await RunThreads.MayReadAsync(context, access, name, runId) ? (name, known) : ((RunName?)null, null);
    }
}
