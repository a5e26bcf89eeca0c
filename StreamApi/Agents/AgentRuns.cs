using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using StreamApi.Chat;
using StreamApi.Chat.Generations;
using StreamApi.Chat.PerRequest;
using StreamApi.Chat.Providers;
using StreamApi.Chat.Telemetry;
using StreamApi.Runs;
using StreamApi.Streaming;

namespace StreamApi.Agents;

/// <summary>
/// <c>/stream?prompt=</c>: one question to an agent. A browser that reconnects to the same address goes on reading the answer that it has
/// begun, by its last id; the work is done once.
/// </summary>
internal sealed class AgentRuns(
    Agent agent, ChatProviders providers, RunStreams streams, RunLog runs, LiveRuns live, ChatMetrics metrics, IOptions<LlmOptions> options, TimeProvider clock)
{
    private const string Kind = "agents";

    private static readonly RunEvent[] Will = [Error("The server that worked on this stopped before it was finished.", true, "interrupted")];

    public static RunEvent Error(string error, bool fatal, string reason) => RunEvent.Of("error", new { type = "error", error, fatal, reason });

    public async Task OpenAsync(HttpContext context)
    {
        ChatTarget? target = null;
        string? prompt = null;
        bool named;
        try
        {
            named = ChatFrames.Of(context.Request).Named ?? true;
            if (LastEventId.Of(context.Request).Text is null) (prompt, target) = await ReadAsync(context);
        }
        catch (InvalidChatException e) { await ChatProblem.Of(e).ExecuteAsync(context); return; }
        await streams.OpenAsync(context, Kind, AgentForm.Run(named), AgentForm.RunEndTypes, async () =>
        {
            var run = await runs.TryBeginAsync(Kind, new { target!.Provider, target.Model }, will: Will, cancellationToken: context.RequestAborted)
                ?? throw new EventStore.StoreUnavailableException("This server's lease was just lost.");
            _ = live.Start(run, r => AnswerAsync(r, target, prompt!));
            return run;
        });
    }

    private async Task<(string Prompt, ChatTarget Target)> ReadAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var (prompt, provider, model) = ((string?)query["prompt"], (string?)query["provider"], (string?)query["model"]);
        if (!HttpMethods.IsGet(context.Request.Method) && context.Request.ContentLength != 0)
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            (prompt, provider, model) = (ChatBody.Text(body, "prompt") ?? prompt, ChatBody.Text(body, "provider") ?? provider, ChatBody.Text(body, "model") ?? model);
        }
        if (string.IsNullOrWhiteSpace(prompt)) throw new InvalidChatException("prompt", "is required.");
        return (prompt, providers.Resolve(provider, model));
    }

    private async Task AnswerAsync(Run run, ChatTarget target, string prompt)
    {
        var writer = new RunWriter(run, Agent.Content, options.Value, live, metrics, target.Provider, clock);
        try
        {
            await agent.AnswerAsync(target, [new ChatMessage(ChatRole.User, prompt)], writer, run.Stopping);
            await writer.EndAsync(RunEvent.Of("end", new { type = "end" }));
        }
        catch (OperationCanceledException) when (run.StopReason is RunStop.Interrupted or RunStop.Cancelled) { await writer.EndAsync(Will); }
        catch (UpstreamException e) { await writer.EndAsync(Error(e.Message, true, e.Reason)); }
    }
}
