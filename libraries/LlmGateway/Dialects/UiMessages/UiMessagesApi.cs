using System.Text.Json.Nodes;
using EventStore;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;
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
            .Streams(Reference, "The chat's latest answer from its start; 204 if it has none.", Chunks);

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
        AllRuns runs,
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

            await handler.StreamAsync(
                context,
                Format,
                async () =>
                {
                    // The run is added to the chat after every check that may refuse it, and before it begins, so that
                    // a client can find every run that it is told of. If the client leaves meanwhile, both steps go on:
                    // a chat whose latest run never begins would have no answer.
                    var name = new RunName(GenerationName.Kind, id);
                    var run = await generator.StartAsync(
                        call.From(client),
                        prompt,
                        id,
                        owner,
                        CancellationToken.None,
                        () => threads.AddAsync(ThreadOf(owner, chat), name, client, CancellationToken.None)
                    );

                    // This check comes after the begin: a later stop finds the run.
                    if (await threads.IsStoppedAsync(name, CancellationToken.None))
                        await runs.CancelAsync(name, CancellationToken.None);
                    return run;
                },
                run => new UiMessagesWriter(run, prompt.Asked),
                isNew: true
            );
        }
    }

    /// <summary>Sends the latest answer again from its start, even if the answer has ended. A client that was cut off
    /// before the end must not take its part for the whole answer.</summary>
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
                if (await LatestAsync(id, context, threads, updates, access) is not { Run: { } run })
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

    /// <summary>Cancels the latest answer: the client's <c>stop()</c> only closes its own connection.</summary>
    private static Task StopAsync(
        string id,
        HttpContext context,
        VendorHandler handler,
        RunThreads threads,
        RunUpdates updates,
        AllRuns runs,
        OwnerAccess access,
        TimeProvider clock
    ) =>
        handler.AnswerAsync(
            context,
            Format,
            async () =>
            {
                if (await LatestAsync(id, context, threads, updates, access) is var (name, run))
                {
                    // The mark is stored before the cancel, so that a run that begins in between is found by the
                    // cancel.
                    if (run is null)
                        await threads.StopAsync(name, access.ClientOf(context), context.RequestAborted);
                    await runs.CancelAndWaitAsync(name, clock, context.RequestAborted);
                }

                context.Response.StatusCode = StatusCodes.Status204NoContent;
            }
        );

    /// <summary>Returns the latest answer of a chat, even if it has not begun, or null if the caller has no such
    /// chat.</summary>
    private static async Task<(RunName Name, RunHead? Run)?> LatestAsync(
        string id,
        HttpContext context,
        RunThreads threads,
        RunUpdates updates,
        OwnerAccess access
    )
    {
        var chat = PathName.Of(context, id, fromEnd: 2);
        var thread = ThreadOf(access.OwnerOf(context), chat);
        if (await threads.LatestAsync(thread, context.RequestAborted) is not { } name)
            return null;

        var run = await updates.FindAsync(name, context.RequestAborted);
        return await RunThreads.MayReadAsync(context, access, name, run, chat) ? (name, run) : null;
    }

    private static string ThreadOf(string? owner, string chat) => RunThreads.IdOf(owner, "ai-sdk", chat);
}
