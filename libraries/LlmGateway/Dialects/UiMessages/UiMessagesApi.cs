using System.Text.Json.Nodes;
using EventStore;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Streaming.Access;
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
            .MapGet("/{id}/stream", ResumeAsync)
            .OpensStream()
            .ReadsOwn("generations.*")
            .RefusesAs(Format.RefuseAsync)
            .Streams(Reference, "The chat's answer that runs, from its start; 204 if none does.", Chunks);

        chats
            .MapDelete("/{id}/stream", StopAsync)
            .Publishes("generations.*")
            .CountedAs(RequestKind.Publish)
            .RefusesAs(Format.RefuseAsync)
            .Produces(StatusCodes.Status204NoContent);
    }

    private static Task SendAsync(
        HttpContext context,
        VendorHandler handler,
        Generator generator,
        RunThreads threads,
        ChatProviders providers,
        OwnerAccess access,
        RequestKeyStore keys,
        IOptions<LlmOptions> options
    )
    {
        return handler.AnswerAsync(context, Format, SendAsync);

        async Task SendAsync()
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            var (chat, call, prompt) = UiMessagesRequestReader.Read(body, providers);
            var client = access.ClientOf(context);
            var owner = access.OwnerOf(context);
            var (id, _) = await IdempotencyKey.IdAsync(context, keys, body.GetRawText);

            var name = new RunName(GenerationName.Kind, id);
            var isOwn = await RunThreads.MayReadAsync(context, access, name, chat);

            await handler.StreamAsync(
                context,
                Format,
                () => threads.StartAsync(ThreadOf(owner, chat), name, client, isOwn, StartAsync),
                run => new UiMessagesWriter(run, prompt.Asked),
                isNew: true
            );

            Task<RunHead> StartAsync(Func<Task> preparedAsync) =>
                generator.StartAsync(call.From(client), prompt, id, owner, CancellationToken.None, preparedAsync);
        }
    }

    /// <summary>Sends an answer that runs again from its start. A page that keeps its messages has an ended one,
    /// perhaps under another id, and would show it twice.</summary>
    private static Task ResumeAsync(
        string id,
        HttpContext context,
        VendorHandler handler,
        RunThreads threads,
        RunUpdates updates,
        PromptStore prompts,
        OwnerAccess access
    ) =>
        handler.AnswerAsync(
            context,
            Format,
            async () =>
            {
                if (
                    await LatestAsync(id, context, threads, access) is not (_, { } name)
                    || await updates.FindAsync(name, context.RequestAborted) is not { } run
                )
                {
                    context.Response.StatusCode = StatusCodes.Status204NoContent;
                    return;
                }

                var prompt = await prompts.ReadAsync(context, run.Name);
                await ReplayAsync(context, handler, run, prompt?.Asked);
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
    private static Task StopAsync(
        string id,
        HttpContext context,
        VendorHandler handler,
        RunThreads threads,
        OwnerAccess access,
        TimeProvider clock
    ) =>
        handler.AnswerAsync(
            context,
            Format,
            async () =>
            {
                if (await LatestAsync(id, context, threads, access) is var (thread, _))
                    await threads.StopAsync(thread, access.ClientOf(context), clock, context.RequestAborted);
                context.Response.StatusCode = StatusCodes.Status204NoContent;
            }
        );

    /// <summary>Returns a chat's thread, and its latest answer if that runs. Null if the caller has no such
    /// chat.</summary>
    private static async Task<(string Thread, RunName? Running)?> LatestAsync(
        string id,
        HttpContext context,
        RunThreads threads,
        OwnerAccess access
    )
    {
        var chat = PathName.Of(context, id, fromEnd: 2);
        var thread = ThreadOf(access.OwnerOf(context), chat);
        if (await threads.RunsAsync(thread, context.RequestAborted) is not [var (run, isRunning), ..])
            return null;

        var name = new RunName(GenerationName.Kind, run);
        return await RunThreads.MayReadAsync(context, access, name, chat) ? (thread, isRunning ? name : null) : null;
    }

    private static string ThreadOf(string? owner, string chat) => RunThreads.IdOf(owner, "ai-sdk", chat);
}
