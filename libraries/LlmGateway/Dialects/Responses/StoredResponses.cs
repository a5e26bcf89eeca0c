namespace LlmGateway.Dialects.Responses;

/// <summary>Earlier runs and items that a request refers to.</summary>
/// <param name="Messages">The conversation before the request.</param>
/// <param name="Previous">Id of the run that the request continues, or null if there is none.</param>
/// <param name="Items">Outputs of earlier responses, by their ids.</param>
/// <param name="Bytes">Estimated memory.</param>
internal sealed record ResponsesPast(
    IReadOnlyList<ChatMessage> Messages,
    string? Previous,
    IReadOnlyDictionary<string, JsonElement> Items,
    long Bytes
)
{
    /// <summary>Returns the item to which another one refers, or the item itself.</summary>
    public RequestValue Referred(RequestValue item) =>
        ResponsesRequestReader.IsReference(item) && Items.TryGetValue(item.RequiredName("id"), out var found)
            ? item with
            {
                Json = found,
            }
            : item;
}

/// <summary>Finds the stored responses that a request names.</summary>
internal sealed class StoredResponses(DialectRequest request)
{
    /// <summary>Most responses that the items of one request may refer to, because each of them is read.</summary>
    private const int MaxReferences = 100;

    /// <summary>Returns a response, or null if there is no such run, it was deleted, or its request had
    /// <c>"store": false</c>.</summary>
    public async Task<ResponsesWriter?> FindAsync(RunName name) =>
        await ReadAsync(name) is { Prompt: not { IsDeleted: true } } found && (bool?)found.Asked?["store"] is not false
            ? found
            : null;

    /// <summary>Returns the response of the first request with the same idempotency key, or null if there is
    /// none.</summary>
    /// <exception cref="InvalidChatException">The response was deleted.</exception>
    public async Task<ResponsesWriter?> FirstAsync(RequestValue body)
    {
        if (await IdempotencyKey.FindAsync(request.Context, request.Keys, body.Json.GetRawText) is not { } id)
            return null;

        var first = await ReadAsync(new RunName(GenerationName.Kind, id));
        return first is { Prompt.IsDeleted: true } ? throw Continuations.Deleted : first;
    }

    private async Task<ResponsesWriter?> ReadAsync(RunName name)
    {
        if (await request.Updates.FindAsync(name, request.Aborted) is not { } run)
            return null;

        // The messages may have megabytes, and no answer shows them.
        var prompt = await request.Prompts.ReadAsync(request.Context, name);
        return new ResponsesWriter(run, prompt is null ? null : prompt with { Messages = [] });
    }

    /// <summary>Reads the earlier runs and items that a request refers to, if the caller may read them.</summary>
    /// <exception cref="InvalidChatException">There is no such response, or it is not complete yet.</exception>
    public async Task<ResponsesPast> PastOfAsync(RequestValue body)
    {
        var items = await ItemsOfAsync(body);
        var bytes = items.Values.Sum(item => ChatBody.MemoryOf(item));
        if (body.Name("previous_response_id") is not { } id)
            return new ResponsesPast([], null, items, bytes);

        if (
            ResponseId.RunOf(id) is not { } name
            || !await request.Streams.MayReadAsync(request.Context, name)
            || await FindAsync(name) is null
        )
            throw new InvalidChatException(
                "previous_response_id",
                $"Previous response with id '{id}' not found.",
                code: "previous_response_not_found"
            );
        if (await request.Runs.IsRunningAsync(name.Topic, request.Aborted))
            throw new InvalidChatException("previous_response_id", $"the response '{id}' is not complete yet");

        var history = await request.Conversations.HistoryAsync(request.Context, name);
        return new ResponsesPast(history, name.Id, items, bytes);
    }

    /// <summary>Reads the output items that a request refers to. AI SDK sends references instead of the items that it
    /// received.</summary>
    private async Task<Dictionary<string, JsonElement>> ItemsOfAsync(RequestValue body)
    {
        var items = new Dictionary<string, JsonElement>();
        var names = ResponsesRequestReader
            .ReferencesOf(body)
            .Select(id => id.Split('_') is [_, var run, _] ? GenerationName.Of(run) : null)
            .OfType<RunName>()
            .Distinct()
            .ToList();
        if (names.Count > MaxReferences)
            throw new InvalidChatException("input", $"refers to at most {MaxReferences} responses");

        foreach (var name in names)
            if (await request.Streams.MayReadAsync(request.Context, name) && await FindAsync(name) is { } found)
                foreach (
                    var item in (await request.Handler.JoinSoFarAsync(request.Context, found))["output"]!.AsArray()
                )
                    items[(string)item!["id"]!] = JsonSerializer.SerializeToElement(item, NodeJson.Default.JsonObject);

        return items;
    }
}
