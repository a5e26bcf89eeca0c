using EventStore;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;

namespace LlmGateway.Dialects.Responses;

/// <summary>
/// Begins responses. A response without <c>background</c> is cancelled when its client leaves, to save the provider's
/// tokens, unless the client has an idempotency key to return with.
/// </summary>
internal sealed class ResponseMaker(
    VendorHandler handler,
    StoredResponses responses,
    Generator generator,
    ChatProviders providers,
    AllRuns runs,
    IHostApplicationLifetime server,
    IOptions<LlmOptions> options
)
{
    public Task AnswerAsync(HttpContext context) =>
        handler.AnswerAsync(context, ResponsesFormat.Instance, () => BeginAsync(context));

    private async Task BeginAsync(HttpContext context)
    {
        var services = context.RequestServices;
        var access = services.GetRequiredService<IStreamAccess>();
        var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
        var isBackground = ChatBody.Flag(body, "background");
        var isStored = ChatBody.OptionalFlag(body, "store");
        if (isBackground && isStored == false)
            throw new InvalidChatException("background", "needs store");

        var isStreamed = ChatBody.Flag(body, "stream");

        // A repeated request is found first, since the responses that it refers to may have been deleted meanwhile.
        if (await responses.FirstAsync(context, body) is var (first, asked))
        {
            await SendAsync(context, isStreamed, isBackground, () => Task.FromResult(first), asked);
            return;
        }

        var past = await responses.PastOfAsync(context, body);
        var (call, prompt) = ResponsesRequestReader.Read(body, past, providers);
        call.From(access.ClientOf(context));
        var keys = services.GetRequiredService<RequestKeyStore>();
        var (id, hasKey) = await IdempotencyKey.IdAsync(context, keys, body.GetRawText);
        var owner = access.OwnerOf(context);

        RunHead? begun = null;
        try
        {
            await SendAsync(context, isStreamed, isBackground, StartAsync, prompt);
        }
        finally
        {
            if (begun is not null && !isBackground && !hasKey && context.RequestAborted.IsCancellationRequested)
                await CancelAsync(begun.Name);
        }

        async Task<RunHead> StartAsync() =>
            begun = await generator.StartAsync(call, prompt, id, owner, context.RequestAborted);
    }

    /// <summary>Sends a response: its events, its state so far, or the whole response.</summary>
    private async Task SendAsync(
        HttpContext context,
        bool isStreamed,
        bool isBackground,
        Func<Task<RunHead>> beginAsync,
        RunPrompt? prompt
    )
    {
        if (isStreamed)
            await handler.StreamAsync(
                context,
                ResponsesFormat.Instance,
                beginAsync,
                run => new ResponsesWriter(run, prompt),
                isNew: true
            );
        else if (await beginAsync() is var run && isBackground)
            await ResponsesApi.WriteAsync(context, await responses.StateAsync(context, run, prompt));
        else
            await ResponsesApi.WriteAsync(
                context,
                await handler.JoinAsync(context, run, new ResponsesWriter(run, prompt))
            );
    }

    /// <summary>Cancels a response whose client has left. A server that stops breaks connections itself, so its clients
    /// have not left.</summary>
    private async Task CancelAsync(RunName name)
    {
        if (server.ApplicationStopping.IsCancellationRequested)
            return;

        try
        {
            await runs.CancelAsync(name, server.ApplicationStopping);
        }
        catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException)
        {
            // The response goes on to its end.
        }
    }
}
