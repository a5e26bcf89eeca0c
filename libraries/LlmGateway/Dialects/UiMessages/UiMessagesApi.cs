namespace LlmGateway.Dialects.UiMessages;

/// <summary>
/// <c>POST /api/chat</c> and <c>GET</c>, <c>DELETE /api/chat/{id}/stream</c>: AI SDK's UI message stream, as its
/// <c>DefaultChatTransport</c> reads it. Each caller has its own chat ids, and an id names the latest run of the chat.
/// </summary>
internal static class UiMessagesApi
{
    public const string Path = "/api/chat";

    private const string Chunks =
        "start start-step text-start text-delta text-end reasoning-start reasoning-delta reasoning-end "
        + "tool-input-available tool-input-error tool-output-available tool-output-error finish-step "
        + "message-metadata finish abort error";

    private static VendorFormat Format => UiMessagesWriter.Format;

    public static void MapUiMessages(this IEndpointRouteBuilder app)
    {
        app.MapPost(Path, SendAsync)
            .Publishes("generations.*")
            .CountedAs(GenerationLimit.Requests)
            .TakesIdempotencyKey()
            .Body(typeof(UiMessagesRequest))
            .AnswersAs(Format, "The last is `[DONE]`.", Chunks, isStream: true);

        app.MapGet($"{Path}/{{id}}/stream", ResumeAsync)
            .OpensStream()
            .ReadsOwn("generations.*")
            .AnswersAs(
                Format,
                "The chat's answer that runs, from its start; 204 if none does.",
                Chunks,
                isStream: true
            );

        app.MapDelete($"{Path}/{{id}}/stream", StopAsync)
            .Publishes("generations.*")
            .CountedAs(RequestKind.Publish)
            .AnswersAs(Format, note: null);
    }

    private static async Task SendAsync(DialectRequest request)
    {
        var body = await request.ReadAsync();
        var (chat, call, prompt) = UiMessagesRequestReader.Read(body, request.Providers);
        var (id, _) = await IdempotencyKey.IdAsync(request.Context, request.Keys, body.Json.GetRawText);

        var name = new RunName(GenerationName.Kind, id);
        await request.Handler.StreamAsync(
            request.Context,
            async () =>
                new UiMessagesWriter(
                    await request.StartAsync(ThreadOf(request, chat), chat, name, call, prompt),
                    prompt.Asked
                ),
            isNew: true
        );
    }

    /// <summary>Sends an answer that runs again from its start. A page that keeps its messages has an ended one,
    /// perhaps under another id, and would show it twice.</summary>
    private static async Task ResumeAsync(string id, DialectRequest request)
    {
        if (
            await LatestAsync(id, request) is (_, { } name)
            && await request.Updates.FindAsync(name, request.Aborted) is { } run
        )
        {
            var prompt = await request.Prompts.ReadAsync(request.Context, run.Name);
            await ReplayAsync(request, run, prompt?.Asked);
        }
        else
            request.Empty();
    }

    /// <summary>Sends an answer from its start.</summary>
    /// <param name="request">The request.</param>
    /// <param name="run">The run.</param>
    /// <param name="continued">The client's message that the run continues, or null.</param>
    /// <param name="replays">False for a client that still has the parts of that message.</param>
    public static Task ReplayAsync(
        DialectRequest request,
        RunHead run,
        JsonObject? continued = null,
        bool replays = true
    ) => request.Handler.SendAsync(request.Context, new UiMessagesWriter(run, continued, replays), isStreamed: true);

    /// <summary>Cancels all answers of a chat: the client's <c>stop()</c> only closes its own connection.</summary>
    private static async Task StopAsync(string id, DialectRequest request)
    {
        if (await LatestAsync(id, request) is var (thread, _))
            await request.Threads.StopAsync(thread, request.Client, request.Clock, request.Aborted);
        request.Empty();
    }

    /// <summary>Returns a chat's thread, and its latest answer if that runs. Null if the caller has no such
    /// chat.</summary>
    private static async Task<(string Thread, RunName? Running)?> LatestAsync(string id, DialectRequest request)
    {
        var chat = PathName.Of(request.Context, id, fromEnd: 2);
        var thread = ThreadOf(request, chat);
        if (await request.Threads.RunsAsync(thread, request.Aborted) is not [var (run, isRunning), ..])
            return null;

        var name = new RunName(GenerationName.Kind, run);
        return await request.MayReadAsync(name, chat) ? (thread, isRunning ? name : null) : null;
    }

    private static string ThreadOf(DialectRequest request, string chat) =>
        RunThreads.IdOf(request.Owner, "ai-sdk", chat);
}
