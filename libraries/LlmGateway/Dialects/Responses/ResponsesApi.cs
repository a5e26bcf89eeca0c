using System.Globalization;
using LlmGateway.Generations;
using LlmGateway.Requests;

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

    /// <summary>The prompt that is shown for an application's run. It says <c>background</c>, because such a run goes
    /// on without its reader, and a client that polls stops at any other response.</summary>
    public static RunPrompt OwnPrompt => new(ResponseId.Dialect, [], Asked: new JsonObject { ["background"] = true });

    private static VendorFormat Format => ResponsesWriter.Format;

    public static void MapResponses(this IEndpointRouteBuilder app)
    {
        app.MapPost(Path, ResponseMaker.BeginAsync)
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

    private static async Task RetrieveAsync(string id, DialectRequest request)
    {
        var (run, prompt) = await FindAsync(id, request);
        await ReadAsync(request, run, prompt);
    }

    /// <summary>Streams a response if the query asks for a stream, from the event that the query names, or sends the
    /// response as it is now.</summary>
    public static Task ReadAsync(DialectRequest request, RunHead run, RunPrompt? prompt)
    {
        var query = request.Context.Request.Query;
        var isStreamed = IsAsked(query, "stream");
        var had = isStreamed ? Number(query, "starting_after", least: 0, int.MaxValue) : null;
        var begun = Task.FromResult(run);
        return SendAsync(request, () => begun, prompt, isStreamed, isBackground: true, skip: (had ?? -1) + 1L);
    }

    /// <summary>Sends the response of an application's run to the request that has begun it.</summary>
    public static Task SendAsync(DialectRequest request, RunHead run, RequestValue body) =>
        SendAsync(request, () => Task.FromResult(run), OwnPrompt, body.Is("stream"), body.Is("background"));

    /// <summary>Sends a response: its events, the response as it is now, or the whole response once it has
    /// ended.</summary>
    public static async Task SendAsync(
        DialectRequest request,
        Func<Task<RunHead>> beginAsync,
        RunPrompt? prompt,
        bool isStreamed,
        bool isBackground,
        long skip = 0,
        bool isNew = false
    )
    {
        var context = request.Context;
        var handler = request.Handler;
        if (isStreamed)
        {
            await handler.StreamAsync(context, Format, beginAsync, WriterOf, skip, isNew);
            return;
        }

        var run = await beginAsync();
        if (isBackground)
            await VendorHandler.WriteAsync(context, await handler.JoinSoFarAsync(context, run, WriterOf(run)));
        else
            await handler.SendWholeAsync(context, run, WriterOf(run));

        ResponsesWriter WriterOf(RunHead begun) => new(begun, prompt);
    }

    private static async Task CancelAsync(string id, DialectRequest request)
    {
        var (run, prompt) = await FindAsync(id, request);
        await request.Runs.CancelAndWaitAsync(run.Name.Topic, request.Clock, request.Aborted);
        var state = await new StoredResponses(request).StateAsync(run, prompt);
        await VendorHandler.WriteAsync(request.Context, state);
    }

    /// <summary>Hides a response from later requests. Its answer stays in the log until retention drops it.</summary>
    private static async Task DeleteAsync(string id, DialectRequest request)
    {
        var (run, prompt) = await FindAsync(id, request);
        await request.Runs.CancelAsync(run.Name.Topic, request.Aborted);
        // The conversation before the response stays.
        var deleted = RunPrompt.Deleted with
        {
            Previous = prompt?.Previous,
        };
        await request.Prompts.StoreAsync(run.Name, deleted, request.Client, request.Aborted);
        await VendorHandler.WriteAsync(
            request.Context,
            VendorFrame.Object(("id", ResponseId.Of(run.Name)), ("object", "response"), ("deleted", true))
        );
    }

    private static async Task ReadInputAsync(string id, DialectRequest request)
    {
        var (run, _) = await FindAsync(id, request);
        var query = request.Context.Request.Query;
        var limit = Number(query, "limit", least: 1, MaxPage) ?? 20;
        var asked = await request.Prompts.ReadAsync(request.Context, run.Name);
        var items = ResponsesItems.Of(asked?.Messages ?? [], run.Name.Id);
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

    /// <summary>Returns the run of a response that the caller may read, and its prompt.</summary>
    /// <exception cref="VendorException">The caller may not read it (403), or it is missing (404).</exception>
    private static async Task<(RunHead Run, RunPrompt? Prompt)> FindAsync(string id, DialectRequest request)
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
