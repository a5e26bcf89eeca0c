using LlmGateway.Generations;
using LlmGateway.Requests;
using Streaming.Refusals;

namespace LlmGateway.Dialects.UiMessages;

/// <summary>
/// <c>POST /api/chat</c> and <c>GET</c>, <c>DELETE /api/chat/{id}/stream</c>: AI SDK's UI message stream, as its
/// <c>DefaultChatTransport</c> reads it. Each caller has its own chat ids, and an id names the latest run of the chat.
/// </summary>
internal static class UiMessagesApi
{
    public const string Path = "/api/chat";

    private const string Reference = "https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol";

    private static UiMessagesFormat Format => UiMessagesFormat.Instance;

    private static readonly string[] Chunks = (
        "start start-step text-start text-delta text-end reasoning-start reasoning-delta reasoning-end "
        + "tool-input-available tool-input-error tool-output-available tool-output-error finish-step "
        + "message-metadata finish abort error"
    ).Split(' ');

    public static void MapUiMessages(this IEndpointRouteBuilder app)
    {
        var chats = app.MapGroup(Path).WithTags("AI SDK");
        chats
            .MapPost("", SendAsync)
            .Publishes("generations.*")
            .CountedAs(GenerationLimit.Requests)
            .RefusesAs(Format.RefuseAsync)
            .TakesIdempotencyKey()
            .Body(typeof(UiMessagesRequest))
            .Streams(Reference, "The last is `[DONE]`.", Chunks);

        chats
            .MapGet("/{id}/stream", (string id, HttpContext context) => ResumeAsync(id, new(context)))
            .OpensStream()
            .ReadsOwn("generations.*")
            .RefusesAs(Format.RefuseAsync)
            .Streams(Reference, "The chat's answer that runs, from its start; 204 if none does.", Chunks);

        chats
            .MapDelete("/{id}/stream", (string id, HttpContext context) => StopAsync(id, new(context)))
            .Publishes("generations.*")
            .CountedAs(RequestKind.Publish)
            .RefusesAs(Format.RefuseAsync)
            .Produces(StatusCodes.Status204NoContent);
    }

    private static Task SendAsync(DialectRequest request) =>
        request.AnswerAsync(
            Format,
            async () =>
            {
                var body = await request.ReadAsync();
                var (chat, call, prompt) = UiMessagesRequestReader.Read(body, request.Providers);
                var (id, _) = await IdempotencyKey.IdAsync(request.Context, request.Keys, body.GetRawText);

                var name = new RunName(GenerationName.Kind, id);
                await request.Handler.StreamAsync(
                    request.Context,
                    Format,
                    () => request.StartAsync(ThreadOf(request.Owner, chat), chat, name, call, prompt),
                    run => new UiMessagesWriter(run, prompt.Asked),
                    isNew: true
                );
            }
        );

    /// <summary>Sends an answer that runs again from its start. A page that keeps its messages has an ended one,
    /// perhaps under another id, and would show it twice.</summary>
    private static Task ResumeAsync(string id, DialectRequest request) =>
        request.AnswerAsync(
            Format,
            async () =>
            {
                if (
                    await LatestAsync(id, request) is not (_, { } name)
                    || await request.Updates.FindAsync(name, request.Aborted) is not { } run
                )
                {
                    request.Context.Response.StatusCode = StatusCodes.Status204NoContent;
                    return;
                }

                var prompt = await request.Prompts.ReadAsync(request.Context, run.Name);
                await ReplayAsync(request.Context, request.Handler, run, prompt?.Asked);
            }
        );

    /// <summary>Sends an answer from its start.</summary>
    /// <param name="context">The request.</param>
    /// <param name="handler">Streams it.</param>
    /// <param name="run">The run.</param>
    /// <param name="continued">The client's message that the run continues, or null.</param>
    /// <param name="replays">False for a client that still has the parts of that message.</param>
    public static Task ReplayAsync(
        HttpContext context,
        VendorHandler handler,
        RunHead run,
        JsonObject? continued = null,
        bool replays = true
    ) =>
        handler.StreamAsync(
            context,
            Format,
            () => Task.FromResult(run),
            found => new UiMessagesWriter(found, continued, replays)
        );

    /// <summary>Cancels all answers of a chat: the client's <c>stop()</c> only closes its own connection.</summary>
    private static Task StopAsync(string id, DialectRequest request) =>
        request.AnswerAsync(
            Format,
            async () =>
            {
                if (await LatestAsync(id, request) is var (thread, _))
                    await request.Threads.StopAsync(thread, request.Client, request.Clock, request.Aborted);
                request.Context.Response.StatusCode = StatusCodes.Status204NoContent;
            }
        );

    /// <summary>Returns a chat's thread, and its latest answer if that runs. Null if the caller has no such
    /// chat.</summary>
    private static async Task<(string Thread, RunName? Running)?> LatestAsync(string id, DialectRequest request)
    {
        var chat = PathName.Of(request.Context, id, fromEnd: 2);
        var thread = ThreadOf(request.Owner, chat);
        if (await request.Threads.RunsAsync(thread, request.Aborted) is not [var (run, isRunning), ..])
            return null;

        var name = new RunName(GenerationName.Kind, run);
        var mayRead = await RunThreads.MayReadAsync(request.Context, request.Access, name, chat);
        return mayRead ? (thread, isRunning ? name : null) : null;
    }

    private static string ThreadOf(string? owner, string chat) => RunThreads.IdOf(owner, "ai-sdk", chat);
}
