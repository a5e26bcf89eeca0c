using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using LlmGateway.VendorApis;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;
using Streaming.Endpoints;

namespace LlmGateway.Dialects.AgUi;

/// <summary>
/// <c>POST /agents/ag-ui</c>, AG-UI 1.0: the names of thread and run belong to their caller. A run that is known is not
/// begun again, and its client rejoins it (<see cref="AgUiResponse"/>).
/// </summary>
internal static class AgUiApi
{
    public const string Path = "/agents/ag-ui";

    private const string Reference = "https://docs.ag-ui.com/concepts/events";

    public static void MapAgUi(this IEndpointRouteBuilder app)
    {
        var agent = app.MapGroup(Path).WithTags("AG-UI");
        agent
            .MapPost("", RunAsync)
            .Publishes("generations.*")
            .CountedAs(GenerationLimit.Requests)
            .RefusesAs(AgUiFormat.Instance.RefuseAsync)
            .Body(typeof(RunAgentInput))
            .Streams(
                Reference,
                "A known `runId` rejoins its run: the part so far is a `MESSAGES_SNAPSHOT`.",
                "RUN_STARTED",
                "MESSAGES_SNAPSHOT",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT",
                "TEXT_MESSAGE_END",
                "REASONING_START",
                "REASONING_MESSAGE_START",
                "REASONING_MESSAGE_CONTENT",
                "REASONING_MESSAGE_END",
                "REASONING_END",
                "TOOL_CALL_START",
                "TOOL_CALL_ARGS",
                "TOOL_CALL_END",
                "TOOL_CALL_RESULT",
                "RUN_FINISHED",
                "RUN_ERROR"
            );

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
        ChatProviders providers,
        OwnerAccess access,
        IOptions<LlmOptions> options
    )
    {
        var format = AgUiFormat.Instance;
        var cancelled = context.RequestAborted;
        return handler.AnswerAsync(context, format, AnswerAsync);

        async Task AnswerAsync()
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            var (threadId, runId) = AgUiRequestReader.NamesOf(body);
            var owner = access.OwnerOf(context);
            var client = access.ClientOf(context);
            var name =
                await NameAsync(context, access, threadId, runId)
                ?? new RunName(GenerationName.Kind, Guid.CreateVersion7().ToString("N"));

            if (await updates.FindAsync(name, cancelled) is { } known)
            {
                await JoinAsync(context, handler, updates, known, body, () => prompts.ReadAsync(context, name));
                return;
            }

            var (call, prompt) = AgUiRequestReader.Read(body, providers);
            await handler.StreamAsync(
                context,
                format,
                () => generator.StartAsync(call.From(client), prompt, name.Id, owner, cancelled),
                run => new AgUiResponse(run, threadId, runId),
                isNew: true
            );
        }
    }

    /// <summary>Streams a run that has begun: a snapshot of the part so far, and the rest.</summary>
    /// <param name="context">The request.</param>
    /// <param name="handler">Streams it.</param>
    /// <param name="updates">Reads it.</param>
    /// <param name="known">The run.</param>
    /// <param name="body">The client's.</param>
    /// <param name="promptAsync">Reads what it was asked. Null if its client alone knows, and needs no snapshot before
    /// the first update.</param>
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
            run => new AgUiResponse(run, threadId, runId, soFar, history)
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
                if (
                    await NameAsync(context, access, threadId, runId) is not { } name
                    || await updates.FindAsync(name, context.RequestAborted) is null
                )
                {
                    await AgUiFormat.Instance.WriteAsync(context, NotFound);
                    return;
                }

                await runs.CancelAndWaitAsync(name, clock, context.RequestAborted);
                context.Response.StatusCode = StatusCodes.Status204NoContent;
            }
        );

    public static VendorError NotFound { get; } =
        new(StatusCodes.Status404NotFound, "run_not_found", "There is no such run.");

    /// <summary>Returns the run that the client's names stand for, or null if others may have guessed them, so that the
    /// run can be neither joined nor cancelled.</summary>
    private static async ValueTask<RunName?> NameAsync(
        HttpContext context,
        OwnerAccess access,
        string threadId,
        string runId
    )
    {
        var owner = access.OwnerOf(context);
        var name = new RunName(GenerationName.Kind, RunThreads.IdOf(owner, "ag-ui", threadId, runId));
        var isItsOwn = await access.MayReadRunAsync(
            context,
            name.Topic,
            () => Task.FromResult(owner),
            namesIt: RunThreads.IsRandom(runId)
        );
        return isItsOwn ? name : null;
    }
}
