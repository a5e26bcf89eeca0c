using System.Globalization;

namespace LlmGateway.Dialects.Responses;

/// <summary>
/// <c>/v1/responses</c>, OpenAI's Responses API. A response is a generation: its clients can read it on any replica,
/// from its start or from their last event.
/// </summary>
internal static class ResponsesApi
{
    public const string Path = "/v1/responses";

    private const string OnePath = $"{Path}/{ResponseId.Prefix}{{id}}";
    private const string Topic = "generations.{id}";
    private const int MaxPage = 100;

    private static VendorFormat Format => ResponsesWriter.Format;

    public static void MapResponses(this IEndpointRouteBuilder app)
    {
        app.MapPost(Path, BeginAsync)
            .Publishes("generations.*")
            .CountedAs(GenerationLimit.Requests)
            .TakesIdempotencyKey()
            .Body(typeof(ResponsesRequest))
            .AnswersAs(
                Format,
                "The names of the frames are their types. A response with `background` goes on without its reader, who "
                    + "returns by `GET /v1/responses/{id}?stream=true&starting_after=N`.",
                "response.created response.output_text.delta response.completed response.incomplete error"
            );

        app.MapGet(OnePath, RetrieveAsync)
            .ReadsOwn(Topic)
            .Query("stream", "true: the events, else the response as it is now.")
            .Query("starting_after", "The `sequence_number` after which the stream goes on.")
            .Query("include_obfuscation", "Ignored: nothing is padded.")
            .Query("include", "Ignored.", also: "include[]")
            .Query("api-version", "Ignored: Azure's clients add it.")
            .AnswersAs(Format);
        app.MapDelete(OnePath, DeleteAsync)
            .Publishes(Topic)
            .ReadsOwn(Topic)
            .CountedAs(RequestKind.Publish)
            .AnswersAs(Format);
        app.MapPost($"{OnePath}/cancel", CancelAsync)
            .Publishes(Topic)
            .ReadsOwn(Topic)
            .CountedAs(RequestKind.Publish)
            .AnswersAs(Format);
        app.MapGet($"{OnePath}/input_items", ReadInputAsync)
            .ReadsOwn(Topic)
            .Query("order", "desc, the default, or asc.")
            .Query("limit", "1 to 100; 20 without it.")
            .Query("after", "Id of the item before the page.")
            .Query("include", "Ignored.", also: "include[]")
            .Query("api-version", "Ignored: Azure's clients add it.")
            .AnswersAs(Format);
    }

    /// <summary>Begins a response. A response without <c>background</c> is cancelled when its client leaves, to save
    /// the provider's tokens, unless the client has an idempotency key to return with.</summary>
    private static async Task BeginAsync(DialectRequest request)
    {
        var context = request.Context;
        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var responses = new StoredResponses(request);
        var body = await request.ReadAsync();
        var isBackground = body.Is("background");
        if (body.Flag("store") == false && isBackground)
            throw new InvalidChatException("background", "needs store");

        var isStreamed = body.Is("stream");

        // A repeated request is found first, since the responses that it refers to may have been deleted meanwhile.
        if (await responses.FirstAsync(body) is { } first)
        {
            await SendAsync(() => Task.FromResult<AnswerWriter>(first));
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
            await SendAsync(StartAsync);
        }
        finally
        {
            // A server that stops breaks connections itself, so its clients have not left.
            var hasLeft = request.Aborted.IsCancellationRequested && !stopping.IsCancellationRequested;
            if (begun is not null && !isBackground && !hasKey && hasLeft)
                await StopAsync(request, begun.Name, stopping);
        }

        async Task<AnswerWriter> StartAsync()
        {
            begun = await request.Generator.StartAsync(call, prompt, id, owner, request.Aborted);
            return new ResponsesWriter(begun, prompt);
        }

        Task SendAsync(Func<Task<AnswerWriter>> beginAsync) =>
            ResponsesApi.SendAsync(request, beginAsync, isStreamed, isBackground, isNew: true);
    }

    private static async Task StopAsync(DialectRequest request, RunName name, CancellationToken stopping)
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

    private static async Task RetrieveAsync(string id, DialectRequest request) =>
        await ReadAsync(request, await FindAsync(id, request));

    /// <summary>Streams a response if the query asks for a stream, from the event that the query names, or sends the
    /// response as it is now.</summary>
    public static Task ReadAsync(DialectRequest request, ResponsesWriter response)
    {
        var query = request.Context.Request.Query;
        var isStreamed = IsAsked(query, "stream");
        var had = isStreamed ? Number(query, "starting_after", least: 0, int.MaxValue) : null;
        return SendAsync(request, () => Task.FromResult<AnswerWriter>(response), isStreamed, skip: (had ?? -1) + 1L);
    }

    /// <summary>Sends a response: its events, the response as it is now, or the whole response once it has
    /// ended.</summary>
    public static async Task SendAsync(
        DialectRequest request,
        Func<Task<AnswerWriter>> beginAsync,
        bool isStreamed,
        bool isBackground = true,
        long skip = 0,
        bool isNew = false
    )
    {
        if (isStreamed)
            await request.Handler.StreamAsync(request.Context, beginAsync, skip, isNew);
        else if (isBackground)
            await WriteNowAsync(request, await beginAsync());
        else
            await request.Handler.SendWholeAsync(request.Context, await beginAsync());
    }

    /// <summary>Sends a response as it is now.</summary>
    private static async Task WriteNowAsync(DialectRequest request, AnswerWriter response) =>
        await VendorHandler.WriteAsync(
            request.Context,
            await request.Handler.JoinSoFarAsync(request.Context, response)
        );

    private static async Task CancelAsync(string id, DialectRequest request)
    {
        var response = await FindAsync(id, request);
        await request.Runs.CancelAndWaitAsync(response.Run.Name.Topic, request.Clock, request.Aborted);
        await WriteNowAsync(request, response);
    }

    /// <summary>Hides a response from later requests. Its answer stays in the log until retention drops it.</summary>
    private static async Task DeleteAsync(string id, DialectRequest request)
    {
        var response = await FindAsync(id, request);
        var name = response.Run.Name;
        await request.Runs.CancelAsync(name.Topic, request.Aborted);
        // The conversation before the response stays.
        var deleted = RunPrompt.Deleted with
        {
            Previous = response.Prompt?.Previous,
        };
        await request.Prompts.StoreAsync(name, deleted, request.Client, request.Aborted);
        await VendorHandler.WriteAsync(
            request.Context,
            VendorFrame.Object(("id", ResponseId.Of(name)), ("object", "response"), ("deleted", true))
        );
    }

    private static async Task ReadInputAsync(string id, DialectRequest request)
    {
        var name = (await FindAsync(id, request)).Run.Name;
        var query = request.Context.Request.Query;
        var limit = Number(query, "limit", least: 1, MaxPage) ?? 20;
        var asked = await request.Prompts.ReadAsync(request.Context, name);
        var items = ResponsesItems.Of(asked?.Messages ?? [], name.Id);
        var following = ItemsOf(items, query).ToList();
        var page = following.Take(limit).ToList();

        await VendorHandler.WriteAsync(
            request.Context,
            VendorFrame.Object(
                ("object", "list"),
                ("data", new JsonArray([.. page])),
                ("first_id", (string?)page.FirstOrDefault()?["id"]),
                ("last_id", (string?)page.LastOrDefault()?["id"]),
                ("has_more", following.Count > page.Count)
            )
        );
    }

    /// <summary>Returns the items in the order of the query, after the item that the query names.</summary>
    private static IEnumerable<JsonObject> ItemsOf(IEnumerable<JsonObject> items, IQueryCollection query)
    {
        items = query["order"].ToString() switch
        {
            "asc" => items,
            "" or "desc" => items.Reverse(),
            _ => throw new InvalidChatException("order", "must be asc or desc"),
        };
        if (query["after"].ToString() is not { Length: > 0 } after)
            return items;

        return items.Any(item => (string?)item["id"] == after)
            ? items.SkipWhile(item => (string?)item["id"] != after).Skip(1)
            : throw new InvalidChatException("after", "must be the id of an item of this response's input");
    }

    /// <summary>Returns a response that the caller may read.</summary>
    /// <exception cref="VendorException">The caller may not read it (403), or it is missing (404).</exception>
    private static async Task<ResponsesWriter> FindAsync(string id, DialectRequest request)
    {
        var name = GenerationName.Of(id);
        if (!await request.Streams.MayReadAsync(request.Context, name ?? new RunName(GenerationName.Kind, "*")))
            throw new VendorException(StatusCodes.Status403Forbidden, "This response is another caller's.");

        var found = name is { } known ? await new StoredResponses(request).FindAsync(known) : null;
        return found ?? throw new VendorException(NotFound(id));
    }

    /// <summary>Reads a flag of the query; Python's client writes True.</summary>
    private static bool IsAsked(IQueryCollection query, string name) =>
        query[name].ToString() switch
        {
            "true" or "True" => true,
            "" or "false" or "False" => false,
            _ => throw new InvalidChatException(name, "must be true or false"),
        };

    /// <summary>Reads a number of the query, or returns null if the query has no such name.</summary>
    private static int? Number(IQueryCollection query, string name, int least, int most) =>
        query[name].ToString() is not { Length: > 0 } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= least
        && number <= most
            ? number
        : throw new InvalidChatException(name, $"must be a whole number from {least} to {most}");

    public static VendorError NotFound(string id) =>
        new(
            StatusCodes.Status404NotFound,
            null,
            $"Response with id '{ResponseId.Prefix}{(id.Length > 64 ? id[..64] : id)}' not found."
        );
}
