using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;
using Runs;
using Streaming.Requests;

namespace LlmGateway.Generations;

/// <summary>Starts generations: reads the provider to its end and stores the answer, with or without readers.</summary>
internal sealed class Generator(
    RunStore runs,
    LiveRuns live,
    AnswerWriters writers,
    RequestBudget budget,
    TimeProvider clock
)
{
    public const string Kind = "generations";

    /// <summary>Starts a generation. Does nothing if one with this id exists.</summary>
    public async Task<RunStart> StartAsync(ChatCall call, string id, string? owner, CancellationToken cancellationToken)
    {
        var client = call.Options.Client;
        var start = await runs.BeginAsync(
            Kind,
            client,
            new GenerationStarted(call.Target.Provider, call.Target.Model, clock.GetUtcNow(), owner),
            id,
            cancellationToken: cancellationToken
        );
        if (start.Run is { } run)
        {
            // The run keeps the prompt after the request that started it.
            var kept = budget.Keep(client, call.Bytes);
            _ = live.Start(run, r => GenerateAsync(r, call, kept));
        }

        return start;
    }

    private async Task GenerateAsync(Run run, ChatCall call, IDisposable kept)
    {
        using var _ = kept;
        await using var writer = writers.Of(run, Token, call.Target.Provider);
        call.Options.OnDelay = delay => writer.Event(State(delay));

        var usage = new AnswerUsage(call);
        var finish = "stop";

        try
        {
            await foreach (var update in call.StreamAsync(run.Stopping))
            {
                usage.Take(update);
                foreach (var content in update.Contents)
                    if (content is TextContent { Text.Length: > 0 } text)
                        await writer.TextAsync(text.Text);
                    else if (content is TextReasoningContent { Text.Length: > 0 } reasoning)
                        await writer.TextAsync(reasoning.Text, Reasoning);
                    else if (content is FunctionCallContent tool)
                        writer.Event(ToolUse(tool));

                finish = update.FinishReason?.Value ?? finish;
            }
            await writer.EndAsync(Done(finish));
        }
        catch (OperationCanceledException) when (run.StopReason == RunStop.Cancelled)
        {
            await writer.EndAsync(Done("cancelled"));
        }
        catch (OperationCanceledException) when (run.StopReason == RunStop.Interrupted)
        {
            await writer.EndAsync(RunEvent.Failed("The server stopped before the answer was complete.", "interrupted"));
        }
        catch (UpstreamException e)
        {
            await writer.EndAsync(RunEvent.Failed(e.Message, e.Reason));
        }

        RunEvent Done(string reason) =>
            RunEvent.Of("done", new GenerationDone(reason, new GenerationUsage(usage.Input, usage.Output)));
    }

    private static RunEvent Token(string text) => RunEvent.Of("token", new GenerationToken(text));

    private static RunEvent Reasoning(string text) => RunEvent.Of("reasoning", new GenerationToken(text));

    private static RunEvent State(DelayNotice delay) =>
        RunEvent.Of("state", new GenerationWaits(delay.State, delay.Reason, delay.Attempt, delay.Milliseconds));

    private static RunEvent ToolUse(FunctionCallContent tool) =>
        RunEvent.Of("tool_use", new GenerationToolUse(tool.CallId, tool.Name, ToolCalls.InputOrText(tool)));
}
