using Runs;
using Streaming.Opening;

namespace LlmGateway.Dialects.AgUi;

/// <summary>
/// <c>POST /agents/ag-ui</c>, AG-UI 1.0: each caller has its own names of threads and runs. A known run is not begun
/// again; its client rejoins it (<see cref="AgUiWriter"/>), or goes on after the id of its last event.
/// </summary>
internal static class AgUiApi
{
    public const string Path = "/agents/ag-ui";

    private const string Events =
        "RUN_STARTED MESSAGES_SNAPSHOT TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END REASONING_START "
        + "REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT REASONING_MESSAGE_END REASONING_ENCRYPTED_VALUE "
        + "REASONING_END TOOL_CALL_START TOOL_CALL_ARGS TOOL_CALL_END TOOL_CALL_RESULT RUN_FINISHED RUN_ERROR";

    private static VendorFormat Format => AgUiWriter.Format;

    public static void MapAgUi(this IEndpointRouteBuilder app)
    {
        app.MapPost(Path, RunAsync)
            .Publishes("generations.*")
            .CountedAs(GenerationLimit.Requests)
            .Body(typeof(RunAgentInput))
            .AnswersAs(
                Format,
                "A known `runId` rejoins its run: the part so far is a `MESSAGES_SNAPSHOT`, or the stream goes on "
                    + "after the `Last-Event-ID`.",
                Events,
                isStream: true
            );

        app.MapDelete($"{Path}/{{threadId}}/{{runId}}", CancelAsync)
            .Publishes("generations.*")
            .CountedAs(RequestKind.Publish)
            .AnswersAs(Format, note: null);
    }

    private static async Task RunAsync(DialectRequest request)
    {
        var body = await request.ReadAsync();
        var (threadId, runId) = AgUiRequestReader.NamesOf(body);
        var (name, known) = await FindAsync(request, threadId, runId);

        if (known is not null)
        {
            await JoinAsync(request, known, body, () => request.Prompts.ReadAsync(request.Context, known.Name));
            return;
        }

        // The client has a part of a run that cannot be found, and a new run would repeat that part.
        if (LastEventId.Of(request.Context.Request).Text is not null)
            throw new VendorException(VendorError.NoRun);

        var begun = name ?? RunName.New(GenerationName.Kind);
        var thread = RunThreads.IdOf(request.Owner, "ag-ui", threadId);
        var (call, prompt) = AgUiRequestReader.Read(body, request.Providers);
        await request.Handler.StreamAsync(
            request.Context,
            async () =>
                new AgUiWriter(await request.StartAsync(thread, threadId, begun, call, prompt), threadId, runId),
            isNew: true
        );
    }

    /// <summary>Lets a request with the id of its client's last event start no run: the client has a part of a run, and
    /// a new one would repeat that part.</summary>
    public static void StartNothing(DialectRequest request)
    {
        if (LastEventId.Of(request.Context.Request).Text is null)
            return;

        RunStarter.Check.Value = async name =>
        {
            if (await request.Updates.FindAsync(name, request.Aborted) is null)
                throw new VendorException(VendorError.NoRun);
        };
    }

    /// <summary>Streams a run that has begun: the events after the client's last one, or a snapshot of the part so far
    /// and then the rest.</summary>
    /// <param name="request">The request.</param>
    /// <param name="known">The run.</param>
    /// <param name="body">The request's body.</param>
    /// <param name="promptAsync">Reads the run's prompt. Null if only the client knows the prompt; there is then no
    /// snapshot before the first update.</param>
    public static async Task JoinAsync(
        DialectRequest request,
        RunHead known,
        RequestValue body,
        Func<Task<RunPrompt?>>? promptAsync = null
    )
    {
        var (threadId, runId) = AgUiRequestReader.NamesOf(body);
        var had = HadOf(request.Context, known);
        await request.Handler.StreamAsync(
            request.Context,
            async () =>
            {
                var soFar = had > 0 ? [] : (await request.Updates.SoFarAsync(request.Context, known)).Updates;
                if (had > 0 || (soFar.Count == 0 && promptAsync is null))
                    return new AgUiWriter(known, threadId, runId);

                var prompt = promptAsync is null ? null : await promptAsync();
                return new AgUiWriter(known, threadId, runId, soFar, AgUiMessages.Of(body, prompt, known.Name));
            },
            had
        );
    }

    /// <summary>Returns the number of the run's events that a client has, by the id of its last one.</summary>
    private static long HadOf(HttpContext context, RunHead run) =>
        LastEventId.Of(context.Request) switch
        {
            { Text: null } => 0,
            { Id: { Position: < int.MaxValue } id } when id.Epoch == AgUiWriter.EpochOf(run) => id.Position + 1,
            var other => throw new InvalidChatException("Last-Event-ID", $"'{other.Text}' is not of this run."),
        };

    /// <summary>Cancels a run: the client's <c>abortRun()</c> only closes its own connection.</summary>
    private static async Task CancelAsync(string threadId, string runId, DialectRequest request)
    {
        var thread = PathName.Of(request.Context, threadId, fromEnd: 2);
        var run = PathName.Of(request.Context, runId, fromEnd: 1);
        if (await FindAsync(request, thread, run) is not (_, { } known))
            throw new VendorException(VendorError.NoRun);

        await request.Runs.CancelAndWaitAsync(known.Name.Topic, request.Clock, request.Aborted);
        request.Empty();
    }

    /// <summary>Returns the name of the run that the client names, and the run's head if it has begun. Returns neither
    /// if others could guess the client's names: the run can then be neither joined nor cancelled.</summary>
    private static async Task<(RunName? Name, RunHead? Known)> FindAsync(
        DialectRequest request,
        string threadId,
        string runId
    )
    {
        var id = RunThreads.IdOf(request.Owner, "ag-ui", threadId, runId);
        var name = new RunName(GenerationName.Kind, id);
        var known = await request.Updates.FindAsync(name, request.Aborted);
        return await request.MayReadAsync(name, runId) ? (name, known) : ((RunName?)null, null);
    }
}
