using System.Text.Json;
using LlmGateway;
using LlmGateway.Dialects.AgUi;
using LlmGateway.Dialects.Responses;
using LlmGateway.Dialects.UiMessages;
using LlmGateway.Generations;
using LlmGateway.VendorApis;
using Runs;

namespace AspireSse;

/// <summary>A protocol in which <see cref="RunFormatExtensions"/> shows a run of the application whose updates
/// <see cref="RunUpdateExtensions"/> has appended. What is shown is made of the stored updates alone, so it is the same
/// in every process.</summary>
public sealed class RunFormat
{
    private readonly Func<HttpContext, EventTopic, Task> _openAsync;

    private RunFormat(Func<HttpContext, EventTopic, Task> openAsync) => _openAsync = openAsync;

    private RunFormat(VendorFormat format, ShowRun showAsync, Func<HttpContext, EventTopic, Task> refuseAsync)
        : this((context, topic) => OpenAsync(context, topic, format, showAsync, refuseAsync)) { }

    private delegate Task ShowRun(HttpContext context, VendorHandler handler, RunUpdates updates, RunHead run);

    /// <summary>The run's events as they are, with the ids of this server's streams; 404 if there is no such
    /// run.</summary>
    public static RunFormat Own { get; } =
        new((context, topic) => context.RequestServices.GetRequiredService<RunStreams>().OpenAsync(context, topic));

    /// <summary>OpenAI's Responses API: the response's id is <c>resp_</c> and what follows the first token of the
    /// topic; 404 if there is no such run.</summary>
    /// <remarks>A GET answers with the response as it is now, unless its query has <c>stream=true</c>; then, and to
    /// other methods, its events, after <c>starting_after</c> if the query has it.</remarks>
    public static RunFormat Responses { get; } =
        new(
            ResponsesFormat.Instance,
            (context, handler, _, run) => ResponsesApi.SendAsync(context, handler, run, prompt: null),
            (context, topic) =>
                ResponsesFormat.Instance.WriteAsync(context, ResponsesApi.NotFound(RunName.Of(topic)?.Id ?? ""))
        );

    /// <summary>AI SDK's UI message stream, always from its start, as its client expects it: the message's id is the
    /// topic's without its first token. 204 if there is no such run.</summary>
    public static RunFormat UiMessages { get; } =
        new(
            UiMessagesFormat.Instance,
            (context, handler, _, run) => UiMessagesApi.ReplayAsync(context, handler, run),
            (context, _) =>
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return Task.CompletedTask;
            }
        );

    /// <summary>AG-UI 1.0: the part of the run so far is a snapshot of its message, which then goes on. 404 if there is
    /// no such run.</summary>
    /// <param name="body">The request's body, whose <c>threadId</c>, <c>runId</c> and <c>messages</c> the client gets
    /// again.</param>
    public static RunFormat AgUi(JsonElement body) =>
        new(
            AgUiFormat.Instance,
            (context, handler, updates, run) => AgUiApi.JoinAsync(context, handler, updates, run, body),
            (context, _) => AgUiFormat.Instance.WriteAsync(context, AgUiApi.NotFound)
        );

    internal Task OpenAsync(HttpContext context, EventTopic topic) => _openAsync(context, topic);

    private static Task OpenAsync(
        HttpContext context,
        EventTopic topic,
        VendorFormat format,
        ShowRun showAsync,
        Func<HttpContext, EventTopic, Task> refuseAsync
    )
    {
        var services = context.RequestServices;
        // An application without the gateway has neither.
        var updates = services.GetService<RunUpdates>() ?? ActivatorUtilities.CreateInstance<RunUpdates>(services);
        var handler =
            services.GetService<VendorHandler>() ?? ActivatorUtilities.CreateInstance<VendorHandler>(services, updates);
        GatewayJson.AddToRuns();

        return handler.AnswerAsync(
            context,
            format,
            async () =>
            {
                if (RunName.Of(topic) is { } name && await updates.FindAsync(name, context.RequestAborted) is { } run)
                    await showAsync(context, handler, updates, run);
                else
                    await refuseAsync(context, topic);
            }
        );
    }
}
