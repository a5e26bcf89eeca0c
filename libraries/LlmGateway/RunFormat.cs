using LlmGateway.Dialects;
using LlmGateway.Dialects.AgUi;
using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;
using LlmGateway.Dialects.Responses;
using LlmGateway.Dialects.UiMessages;
using Runs;

namespace AspireSse;

/// <summary>A protocol in which <see cref="RunFormatExtensions"/> shows a run of the application whose updates
/// <see cref="RunUpdateExtensions"/> has appended. It reads only the stored updates, so every process shows the
/// same.</summary>
/// <remarks>Needed to stream a run of the application to the clients of OpenAI, Anthropic, AI SDK or AG-UI.</remarks>
public sealed class RunFormat
{
    private readonly Func<HttpContext, EventTopic, Task> _openAsync;
    private readonly VendorFormat? _format;

    /// <summary>The names of a request that starts a run, or null if no such request has this format.</summary>
    private readonly RequestTable? _table;

    private RunFormat(Func<HttpContext, EventTopic, Task> openAsync) => _openAsync = openAsync;

    private RunFormat(
        VendorFormat format,
        ShowRun showAsync,
        RequestTable? table,
        Func<EventTopic, VendorError?>? missing = null
    )
        : this((context, topic) => OpenAsync(context, topic, format, showAsync, missing ?? (_ => VendorError.NoRun)))
    {
        _format = format;
        _table = table;
    }

    private delegate Task ShowRun(DialectRequest request, RunHead run);

    /// <summary>The run's events as they are, with the ids of this server's streams; 404 if there is no such
    /// run.</summary>
    public static RunFormat Own { get; } =
        new((context, topic) => context.RequestServices.GetOfRuns<RunStreams>().OpenAsync(context, topic));

    /// <summary>OpenAI's Chat Completions API: one answer when the run has ended, or its chunks if the body has
    /// <c>"stream": true</c>. 404 if there is no such run.</summary>
    /// <param name="body">The request's body, which may ask for the usage of a stream
    /// (<c>stream_options.include_usage</c>).</param>
    /// <remarks>It answers 400 if the body is no object or a flag is no boolean. The API has no resume, so a client
    /// that was cut off reads the run again from its start. A run that was cancelled is an error.</remarks>
    public static RunFormat ChatCompletions(JsonElement body) =>
        OfVendor(
            ChatCompletionsWriter.Format,
            (run, json) => ChatCompletionsApi.WriterOf(run, json),
            body,
            ChatCompletionsApi.RunTable
        );

    /// <summary>Anthropic's Messages API: one message when the run has ended, or its events if the body has
    /// <c>"stream": true</c>. 404 if there is no such run.</summary>
    /// <param name="body">The request's body.</param>
    /// <inheritdoc cref="ChatCompletions" path="/remarks"/>
    public static RunFormat Messages(JsonElement body) =>
        OfVendor(MessagesWriter.Format, (run, _) => new MessagesWriter(run), body, MessagesRequestReader.Table);

    /// <summary>OpenAI's Responses API, for a <c>GET</c>: the response as it is now, or its events if the query has
    /// <c>stream=true</c>. 404 if there is no such run.</summary>
    /// <remarks>The response's id is <c>resp_</c> and the topic without its first token. If the query has
    /// <c>starting_after</c>, the events begin after that number.</remarks>
    public static RunFormat Responses() =>
        OfResponses((request, run) => ResponsesApi.ReadAsync(request, ResponsesWriter.OfOwn(run)));

    /// <summary>OpenAI's Responses API, for the <c>POST</c> that has begun the run: one response when the run has
    /// ended, or its events if the body has <c>"stream": true</c>.</summary>
    /// <param name="body">The request's body. A body that has <c>"background": true</c>, and no <c>stream</c>, gets the
    /// response as it is now.</param>
    /// <remarks>It answers 400 if the body is no object or a flag is no boolean. If the run fails before its one
    /// response, the request fails. The run goes on if its client leaves.</remarks>
    public static RunFormat Responses(JsonElement body) =>
        OfResponses(
            (request, run) =>
            {
                var json = ChatBody.Checked(body);
                return ResponsesApi.SendAsync(
                    request,
                    () => Task.FromResult<AnswerWriter>(ResponsesWriter.OfOwn(run)),
                    json.Is("stream"),
                    json.Is("background")
                );
            },
            ResponsesRequestReader.Table
        );

    /// <summary>AI SDK's UI message stream, always from its start, as its client expects; the message's id is the topic
    /// without its first token. 204 if there is no such run.</summary>
    public static RunFormat UiMessages() => OfUiMessages((request, run) => UiMessagesApi.ReplayAsync(request, run));

    /// <summary>AI SDK's UI message stream of a run that continues the client's last message if the assistant wrote
    /// that message, as after a tool of the page. 204 if there is no such run.</summary>
    /// <param name="body">The request's body, whose last message of <c>messages</c> decides.</param>
    /// <remarks>It answers 400 if the body has no messages. The client of a <c>GET</c> has emptied its message, so it
    /// gets the parts of the continued message again.</remarks>
    public static RunFormat UiMessages(JsonElement body) =>
        OfUiMessages(
            (request, run) =>
                UiMessagesApi.ReplayAsync(
                    request,
                    run,
                    UiMessagesRequestReader.ContinuedOf(ChatBody.Checked(body)),
                    replays: HttpMethods.IsGet(request.Context.Request.Method)
                ),
            UiMessagesRequestReader.Table
        );

    /// <summary>AG-UI 1.0: the part of the run so far is a snapshot of its message, and the rest follows. 404 if there
    /// is no such run.</summary>
    /// <param name="body">The request's body, whose <c>threadId</c>, <c>runId</c> and <c>messages</c> the client gets
    /// again.</param>
    /// <remarks>It answers 400 if the body lacks an id. A request with the <c>Last-Event-ID</c> of the run gets the
    /// events after that one, without a snapshot; any other id gets 400. A request with an id starts no run, and gets
    /// 404 if its run is not there.</remarks>
    public static RunFormat AgUi(JsonElement body) =>
        new(
            AgUiWriter.Format,
            (request, run) => AgUiApi.JoinAsync(request, run, ChatBody.Checked(body)),
            AgUiRequestReader.Table
        );

    /// <summary>Returns the protocol that the query of a generation's reader names, or null if it names none.</summary>
    /// <exception cref="InvalidRequestException">It names another one.</exception>
    internal static RunFormat? OfQuery(HttpRequest request, string id) =>
        request.Query["format"].ToString() switch
        {
            "" => null,
            "chat-completions" => ChatCompletions(Streamed),
            "messages" => Messages(Streamed),
            "ui-messages" => UiMessages(),
            "ag-ui" => AgUi(
                WireJson.ElementOf(WireJson.Object(("threadId", id), ("runId", id), ("messages", new JsonArray())))
            ),
            _ => throw new InvalidRequestException(
                "format",
                "must be chat-completions, messages, ui-messages or ag-ui."
            ),
        };

    private static JsonElement Streamed { get; } =
        JsonElement.Parse("""{"stream":true,"stream_options":{"include_usage":true}}""");

    /// <summary>True if a request in this format may start a run.</summary>
    internal bool HasRequests => _table is not null;

    internal Task OpenAsync(HttpContext context, EventTopic topic) => _openAsync(context, topic);

    /// <summary>Reads a request and starts its run. Returns the request's body and the run's topic, or null if the
    /// request was refused.</summary>
    internal async Task<(JsonElement Body, EventTopic Topic)?> StartAsync(
        HttpContext context,
        Func<RunRequest, Task<EventTopic>> startAsync
    )
    {
        var request = new DialectRequest(context);
        (JsonElement Body, EventTopic Topic)? started = null;
        await request.Handler.AnswerAsync(
            context,
            _format!,
            async () =>
            {
                var body = await request.ReadAsync();
                if (_format == AgUiWriter.Format)
                    AgUiApi.StartNothing(request);
                started = (body.Json, await startAsync(RunRequest.Of(body, _table!)));
            }
        );
        return started;
    }

    private static RunFormat OfVendor(
        VendorFormat format,
        Func<RunHead, RequestValue, AnswerWriter> respond,
        JsonElement body,
        RequestTable table
    ) =>
        new(
            format,
            (request, run) =>
            {
                var json = ChatBody.Checked(body);
                // Until the run names its own model, it is the one that the body names.
                var response = respond(run with { Model = run.Model ?? json.Name("model") }, json);
                return request.Handler.SendAsync(request.Context, response, json.Is("stream"));
            },
            table
        );

    private static RunFormat OfResponses(ShowRun showAsync, RequestTable? table = null) =>
        new(ResponsesWriter.Format, showAsync, table, topic => ResponsesApi.NotFound(RunName.Of(topic)?.Id ?? ""));

    /// <summary>Its client takes 204 for a chat without an answer.</summary>
    private static RunFormat OfUiMessages(ShowRun showAsync, RequestTable? table = null) =>
        new(UiMessagesWriter.Format, showAsync, table, _ => null);

    private static Task OpenAsync(
        HttpContext context,
        EventTopic topic,
        VendorFormat format,
        ShowRun showAsync,
        Func<EventTopic, VendorError?> missing
    )
    {
        var request = new DialectRequest(context);
        return request.Handler.AnswerAsync(
            context,
            format,
            async () =>
            {
                if (RunName.Of(topic) is { } name && await request.Updates.FindAsync(name, request.Aborted) is { } run)
                    await showAsync(request, run);
                else if (missing(topic) is { } error)
                    throw new VendorException(error);
                else
                    request.Empty();
            }
        );
    }
}
