using System.Globalization;
using LlmGateway.Generations;
using LlmGateway.Requests;
using Streaming.Refusals;

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
    private const string Reference = "https://platform.openai.com/docs/api-reference/responses";
    private const int MaxPage = 100;

    /// <summary>The prompt that is shown for an application's run. It says <c>background</c>, because such a run goes
    /// on without its reader, and a client that polls stops at any other response.</summary>
    public static RunPrompt OwnPrompt => new(ResponsesFormat.Name, [], Asked: new JsonObject { ["background"] = true });

    private static ResponsesFormat Format => ResponsesFormat.Instance;

    public static void MapResponses(this IEndpointRouteBuilder app)
    {
        app.MapPost(Path, ResponseMaker.AnswerAsync)
            .Publishes("generations.*")
            .CountedAs(GenerationLimit.Requests)
            .TakesIdempotencyKey()
            .Body(typeof(ResponsesRequest))
            .Answers(
                Reference,
                "The names of the frames are their types. A response with `background` goes on without its reader, who "
                    + "returns by `GET /v1/responses/{id}?stream=true&starting_after=N`.",
                "response.created",
                "response.output_text.delta",
                "response.completed",
                "response.incomplete",
                "error"
            )
            .Describe();

        app.MapGet(OnePath, (string id, HttpContext context) => RetrieveAsync(id, new(context)))
            .ReadsOwn(Topic)
            .Query("stream", "true: the events, else the response as it is now.")
            .Query("starting_after", "The `sequence_number` after which the stream goes on.")
            .Query("include_obfuscation", "Ignored: nothing is padded.")
            .Query("include", "Ignored.", also: "include[]")
            .Query("api-version", "Ignored: Azure's clients add it.")
            .Describe();
        app.MapDelete(OnePath, (string id, HttpContext context) => DeleteAsync(id, new(context)))
            .Publishes(Topic)
            .ReadsOwn(Topic)
            .CountedAs(RequestKind.Publish)
            .Describe();
        app.MapPost($"{OnePath}/cancel", (string id, HttpContext context) => CancelAsync(id, new(context)))
            .Publishes(Topic)
            .ReadsOwn(Topic)
            .CountedAs(RequestKind.Publish)
            .Describe();
        app.MapGet($"{OnePath}/input_items", (string id, HttpContext context) => ReadInputAsync(id, new(context)))
            .ReadsOwn(Topic)
            .Query("order", "desc, the default, or asc.")
            .Query("limit", "1 to 100; 20 without it.")
            .Query("after", "Id of the item before the page.")
            .Query("include", "Ignored.", also: "include[]")
            .Query("api-version", "Ignored: Azure's clients add it.")
            .Describe();
    }

    private static RouteHandlerBuilder Describe(this RouteHandlerBuilder endpoint) =>
        endpoint.RefusesAs(Format.RefuseAsync).WithTags("OpenAI").Answers(Reference);

    private static Task RetrieveAsync(string id, DialectRequest request) =>
        ShowAsync(id, request, (run, prompt) => ReadAsync(request.Context, request.Handler, run, prompt));

    /// <summary>Streams a response if the query asks for a stream, from the event that the query names, or sends the
    /// response as it is now.</summary>
    public static Task ReadAsync(HttpContext context, VendorHandler handler, RunHead run, RunPrompt? prompt)
    {
        var isStreamed = IsAsked(context, "stream");
        var had = isStreamed ? Number(context, "starting_after", least: 0, int.MaxValue) : null;
        var begun = Task.FromResult(run);
        return SendAsync(context, handler, () => begun, prompt, isStreamed, isBackground: true, skip: (had ?? -1) + 1L);
    }

    /// <summary>Sends the response of an application's run to the request that has begun it.</summary>
    public static Task SendAsync(HttpContext context, VendorHandler handler, RunHead run, JsonElement body)
    {
        var isStreamed = ChatBody.Flag(body, "stream");
        var isBackground = ChatBody.Flag(body, "background");
        return SendAsync(context, handler, () => Task.FromResult(run), OwnPrompt, isStreamed, isBackground);
    }

    /// <summary>Sends a response: its events, the response as it is now, or the whole response once it has
    /// ended.</summary>
    public static async Task SendAsync(
        HttpContext context,
        VendorHandler handler,
        Func<Task<RunHead>> beginAsync,
        RunPrompt? prompt,
        bool isStreamed,
        bool isBackground,
        long skip = 0,
        bool isNew = false
    )
    {
        if (isStreamed)
        {
            await handler.StreamAsync(
                context,
                Format,
                beginAsync,
                run => new ResponsesWriter(run, prompt),
                skip,
                isNew
            );
            return;
        }

        var run = await beginAsync();
        var response = new ResponsesWriter(run, prompt);
        if (isBackground)
            await VendorHandler.WriteAsync(context, await handler.JoinSoFarAsync(context, run, response));
        else
            await handler.SendWholeAsync(context, run, response);
    }

    private static Task CancelAsync(string id, DialectRequest request) =>
        ShowAsync(
            id,
            request,
            async (run, prompt) =>
            {
                await request.Runs.CancelAndWaitAsync(run.Name, request.Clock, request.Aborted);
                var state = await new StoredResponses(request).StateAsync(run, prompt);
                await VendorHandler.WriteAsync(request.Context, state);
            }
        );

    /// <summary>Hides a response from later requests. Its answer stays in the log until retention drops it.</summary>
    private static Task DeleteAsync(string id, DialectRequest request) =>
        ShowAsync(
            id,
            request,
            async (run, prompt) =>
            {
                await request.Runs.CancelAsync(run.Name, request.Aborted);
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
        );

    private static Task ReadInputAsync(string id, DialectRequest request) =>
        ShowAsync(
            id,
            request,
            async (run, _) =>
            {
                var context = request.Context;
                var limit = Number(context, "limit", least: 1, MaxPage) ?? 20;
                var asked = await request.Prompts.ReadAsync(context, run.Name);
                var items = ResponsesItems.Of(asked?.Messages ?? [], run.Name.Id);
                var following = ItemsOf(items, context.Request.Query).ToList();
                var page = following.Take(limit).ToList();

                await VendorHandler.WriteAsync(
                    context,
                    VendorFrame.Object(
                        ("object", "list"),
                        ("data", new JsonArray([.. page])),
                        ("first_id", (string?)page.FirstOrDefault()?["id"]),
                        ("last_id", (string?)page.LastOrDefault()?["id"]),
                        ("has_more", following.Count > page.Count)
                    )
                );
            }
        );

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

    /// <summary>Shows a response to a caller that may read it. Other callers get 403, and a missing response
    /// 404.</summary>
    private static Task ShowAsync(string id, DialectRequest request, Func<RunHead, RunPrompt?, Task> showAsync) =>
        request.AnswerAsync(
            Format,
            async () =>
            {
                var context = request.Context;
                var name = GenerationName.Of(id);
                if (!await request.Streams.MayReadAsync(context, name ?? new RunName(GenerationName.Kind, "*")))
                    await Format.RefuseAsync(context, 403, "This response is another caller's.", retryAfter: null);
                else if (name is { } known && await new StoredResponses(request).FindAsync(known) is var (run, prompt))
                    await showAsync(run, prompt);
                else
                    await Format.WriteAsync(context, NotFound(id));
            }
        );

    /// <summary>Reads a flag of the query; Python's client writes True.</summary>
    private static bool IsAsked(HttpContext context, string name) =>
        context.Request.Query[name].ToString() switch
        {
            "true" or "True" => true,
            "" or "false" or "False" => false,
            _ => throw new InvalidChatException(name, "must be true or false"),
        };

    /// <summary>Reads a number of the query, or returns null if the query has no such name.</summary>
    private static int? Number(HttpContext context, string name, int least, int most) =>
        context.Request.Query[name].ToString() is not { Length: > 0 } text ? null
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
