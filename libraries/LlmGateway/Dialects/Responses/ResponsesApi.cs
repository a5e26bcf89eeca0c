using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using EventStore;
using LlmGateway.Generations;
using LlmGateway.Requests;
using Runs;
using Streaming.Refusals;

namespace LlmGateway.Dialects.Responses;

/// <summary>
/// <c>/v1/responses</c>, OpenAI's Responses API. A response is a generation: its clients can read it on any replica,
/// from its start or from their last event.
/// </summary>
internal static class ResponsesApi
{
    public const string Path = VendorPathsApi.Responses;
    private const string OnePath = $"{Path}/{ResponseId.Prefix}{{id}}";
    private const string Topic = "generations.{id}";
    private const string Reference = "https://platform.openai.com/docs/api-reference/responses";
    private const int MaxPage = 100;

    /// <summary>The prompt that is shown for an application's run. It says <c>background</c>, because such a run goes
    /// on without its reader, and a client that polls stops at any other response.</summary>
    public static RunPrompt OwnPrompt => new(ResponsesFormat.Name, [], Asked: new JsonObject { ["background"] = true });

    private static ResponsesFormat Format => ResponsesFormat.Instance;

    public static void AddResponses(this WebApplicationBuilder builder) =>
        builder.Services.AddSingleton<StoredResponses>().AddSingleton<ResponseMaker>();

    public static void MapResponses(this IEndpointRouteBuilder app)
    {
        app.MapPost(Path, (HttpContext context, ResponseMaker maker) => maker.AnswerAsync(context))
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

        app.MapGet(OnePath, RetrieveAsync)
            .ReadsOwn(Topic)
            .Query("stream", "true: the events, else the response as it is now.")
            .Query("starting_after", "The `sequence_number` after which the stream goes on.")
            .Query("include_obfuscation", "Ignored: nothing is padded.")
            .Query("include", "Ignored.", also: "include[]")
            .Query("api-version", "Ignored: Azure's clients add it.")
            .Describe();
        app.MapDelete(OnePath, DeleteAsync).Publishes(Topic).ReadsOwn(Topic).CountedAs(RequestKind.Publish).Describe();
        app.MapPost($"{OnePath}/cancel", CancelAsync)
            .Publishes(Topic)
            .ReadsOwn(Topic)
            .CountedAs(RequestKind.Publish)
            .Describe();
        app.MapGet($"{OnePath}/input_items", ReadInputAsync)
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

    private static Task RetrieveAsync(string id, HttpContext context, VendorHandler handler) =>
        ShowAsync(id, context, (run, prompt) => SendAsync(context, handler, run, prompt));

    /// <summary>Streams a response if the query asks for a stream, from the event that the query names, or sends the
    /// response as it is now.</summary>
    public static async Task SendAsync(HttpContext context, VendorHandler handler, RunHead run, RunPrompt? prompt)
    {
        var response = new ResponsesWriter(run, prompt);
        if (!IsAsked(context, "stream"))
        {
            await WriteAsync(context, await handler.JoinSoFarAsync(context, run, response));
            return;
        }

        var had = Number(context, "starting_after", least: 0, int.MaxValue) ?? -1;
        await handler.StreamAsync(context, Format, () => Task.FromResult(run), _ => response, skip: had + 1L);
    }

    /// <summary>Answers the request that has begun an application's run: with events if the body asks for a stream,
    /// with the response as it is now if the body asks for the background, or else with the whole response.</summary>
    public static async Task AnswerAsync(HttpContext context, VendorHandler handler, RunHead run, JsonElement body)
    {
        var response = new ResponsesWriter(run, OwnPrompt);
        var isBackground = ChatBody.Flag(body, "background");

        if (ChatBody.Flag(body, "stream"))
            await handler.StreamAsync(context, Format, () => Task.FromResult(run), _ => response);
        else if (isBackground)
            await WriteAsync(context, await handler.JoinSoFarAsync(context, run, response));
        else
            await WriteAsync(context, await handler.JoinAsync(context, run, response));
    }

    private static Task CancelAsync(
        string id,
        HttpContext context,
        StoredResponses responses,
        AllRuns runs,
        TimeProvider clock
    ) =>
        ShowAsync(
            id,
            context,
            async (run, prompt) =>
            {
                await runs.CancelAndWaitAsync(run.Name, clock, context.RequestAborted);
                await WriteAsync(context, await responses.StateAsync(context, run, prompt));
            }
        );

    private static Task DeleteAsync(
        string id,
        HttpContext context,
        StoredResponses responses,
        AllRuns runs,
        IStreamAccess access
    ) =>
        ShowAsync(
            id,
            context,
            async (run, prompt) =>
            {
                var client = access.ClientOf(context);
                await runs.CancelAsync(run.Name, context.RequestAborted);
                await responses.DeleteAsync(run.Name, prompt?.Previous, client, context.RequestAborted);
                await WriteAsync(
                    context,
                    VendorFrame.Object(("id", ResponseId.Of(run.Name)), ("object", "response"), ("deleted", true))
                );
            }
        );

    private static Task ReadInputAsync(string id, HttpContext context, StoredResponses responses) =>
        ShowAsync(
            id,
            context,
            async (run, _) =>
            {
                var limit = Number(context, "limit", least: 1, MaxPage) ?? 20;
                var items = ResponsesItems.Of(await responses.InputOfAsync(context, run.Name), run.Name.Id);
                var following = ItemsOf(items, context.Request.Query).ToList();
                var page = following.Take(limit).ToList();

                await WriteAsync(
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
    private static Task ShowAsync(string id, HttpContext context, Func<RunHead, RunPrompt?, Task> showAsync)
    {
        var services = context.RequestServices;
        return services
            .GetRequiredService<VendorHandler>()
            .AnswerAsync(
                context,
                Format,
                async () =>
                {
                    var name = GenerationName.Of(id);
                    var streams = services.GetRequiredService<RunStreams>();
                    if (!await streams.MayReadAsync(context, name ?? new RunName(GenerationName.Kind, "*")))
                        await Format.RefuseAsync(context, 403, "This response is another caller's.", retryAfter: null);
                    else if (
                        name is { } known
                        && await services.GetRequiredService<StoredResponses>().FindAsync(context, known)
                            is var (run, prompt)
                    )
                        await showAsync(run, prompt);
                    else
                        await Format.WriteAsync(context, NotFound(id));
                }
            );
    }

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

    public static Task WriteAsync(HttpContext context, JsonObject json) =>
        TypedResults.Json(json, RunJson.Options.TypeOf<JsonObject>()).ExecuteAsync(context);
}
