using LlmGateway.Generations;

namespace LlmGateway.Dialects.Responses;

/// <summary>
/// Begins responses. A response without <c>background</c> is cancelled when its client leaves, to save the provider's
/// tokens, unless the client has an idempotency key to return with.
/// </summary>
internal static class ResponseMaker
{
    public static async Task BeginAsync(DialectRequest request)
    {
        var context = request.Context;
        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var responses = new StoredResponses(request);
        var body = await request.ReadAsync();
        var isBackground = body.Is("background");
        var isStored = body.Flag("store");
        if (isBackground && isStored == false)
            throw new InvalidChatException("background", "needs store");

        var isStreamed = body.Is("stream");

        // A repeated request is found first, since the responses that it refers to may have been deleted meanwhile.
        if (await responses.FirstAsync(body) is var (first, asked))
        {
            await SendAsync(() => Task.FromResult(first), asked);
            return;
        }

        var past = await responses.PastOfAsync(body);
        var (call, prompt) = ResponsesRequestReader.Read(body, past, request.Providers);
        call.From(request.Client);
        var (id, hasKey) = await IdempotencyKey.IdAsync(context, request.Keys, body.Json.GetRawText);
        var owner = request.Owner;

        RunHead? begun = null;
        try
        {
            await SendAsync(StartAsync, prompt);
        }
        finally
        {
            // A server that stops breaks connections itself, so its clients have not left.
            var hasLeft = request.Aborted.IsCancellationRequested && !stopping.IsCancellationRequested;
            if (begun is not null && !isBackground && !hasKey && hasLeft)
                await CancelAsync(request, begun.Name, stopping);
        }

        async Task<RunHead> StartAsync() =>
            begun = await request.Generator.StartAsync(call, prompt, id, owner, request.Aborted);

        Task SendAsync(Func<Task<RunHead>> beginAsync, RunPrompt? asked) =>
            ResponsesApi.SendAsync(request, beginAsync, asked, isStreamed, isBackground, isNew: true);
    }

    private static async Task CancelAsync(DialectRequest request, RunName name, CancellationToken stopping)
    {
        try
        {
            await request.Runs.CancelAsync(name.Topic, stopping);
        }
        catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException)
        {
            // The response goes on to its end.
        }
    }
}
