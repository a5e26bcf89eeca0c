using EventStore;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Telemetry;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Frames;
using Streaming.Opening;
using Streaming.Requests;

namespace LlmGateway.Agents;

/// <summary>
/// Answers one question to an agent as a run. A browser that reconnects resumes the same answer by its last id; the
/// agent does the work once.
/// </summary>
internal sealed class AgentRuns(
    Agent agent,
    ChatProviders providers,
    RunStreams streams,
    RunLog runs,
    LiveRuns live,
    FlushScheduler scheduler,
    ChatMetrics metrics,
    IdempotencyKeys keys,
    IStreamAccess access,
    IRequestBudget budget,
    IOptions<LlmOptions> options,
    TimeProvider clock
)
{
    private const string Kind = "agents";
    private const int MaxPrompt = 100_000;

    private static readonly string[] EndTypes = ["end", "error"];
    private static readonly NamedFormats Formats = NamedFormats.Of(_ => true, EndTypes, sendsPositions: false);

    private static readonly RunEvent[] InterruptedEvents =
    [
        Error("The server stopped before the answer was complete.", true, "interrupted"),
    ];

    public static RunEvent Error(string error, bool fatal, string reason) =>
        RunEvent.Of(
            "error",
            new
            {
                type = "error",
                error,
                fatal,
                reason,
            }
        );

    public Task OpenAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var named = query.Flag("named");
        ChatTarget? target = null;
        string? prompt = null;
        var (client, tools) = (access.ClientOf(context), agent.ToolsFor(context));
        if (LastEventId.Of(context.Request).Text is null)
        {
            prompt = query.RequiredText("prompt", MaxPrompt).Trim() is { Length: > 0 } text
                ? text
                : throw new InvalidRequestException("prompt", "is required.");
            target = providers.Resolve(query.Text("provider", 64), query.Text("model", 256));
        }
        return streams.OpenAsync(
            context,
            Kind,
            Formats.For(named),
            EndTypes,
            async () =>
            {
                var (id, _) = await IdempotencyKey.IdAsync(
                    context,
                    keys,
                    () => $"{query["provider"]}\n{query["model"]}\n{prompt}"
                );
                var start = await runs.BeginAsync(
                    Kind,
                    new
                    {
                        target!.Provider,
                        target.Model,
                        owner = context.User.Identity?.Name,
                    },
                    id,
                    InterruptedEvents,
                    context.RequestAborted
                );
                if (start.Run is { } run)
                    _ = live.Start(run, r => AnswerAsync(r, target, client, tools, prompt!));
                return start;
            }
        );
    }

    private async Task AnswerAsync(Run run, ChatTarget target, string client, string[] tools, string prompt)
    {
        using var kept = budget.Keep(client, sizeof(char) * (long)prompt.Length);
        await using var writer = new RunWriter(
            run,
            Agent.Content,
            options.Value,
            scheduler,
            metrics,
            target.Provider,
            clock
        );
        try
        {
            await agent.AnswerAsync(
                target,
                client,
                tools,
                [new ChatMessage(ChatRole.User, prompt)],
                writer,
                run.Stopping
            );
            await writer.EndAsync(RunEvent.Of("end", new { type = "end" }));
        }
        catch (OperationCanceledException) when (run.StopReason is RunStop.Interrupted or RunStop.Cancelled)
        {
            await writer.EndAsync(InterruptedEvents);
        }
        catch (UpstreamException e)
        {
            await writer.EndAsync(Error(e.Message, true, e.Reason));
        }
    }
}
