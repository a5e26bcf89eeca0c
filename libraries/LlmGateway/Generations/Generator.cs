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
        await using var writer = writers.Of(
            run,
            text => RunEvent.Of("token", new GenerationToken(text)),
            call.Target.Provider
        );
        call.Options.OnDelay = delay => writer.Event(State(delay));

        UsageDetails? usage = null;
        var finish = "stop";

        var tokens = 0L;
        try
        {
            await foreach (var update in call.StreamAsync(run.Stopping))
            {
                if (update.Text is { Length: > 0 } text)
                {
                    tokens++;
                    await writer.TextAsync(text);
                }

                foreach (var tool in update.Contents.OfType<FunctionCallContent>())
                    writer.Event(ToolUse(tool));

                usage = update.Contents.OfType<UsageContent>().LastOrDefault()?.Details ?? usage;
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

        // Without the provider's usage, the gateway's own estimate.
        RunEvent Done(string reason) =>
            RunEvent.Of(
                "done",
                new GenerationDone(
                    reason,
                    new GenerationUsage(usage?.InputTokenCount ?? call.InputTokens, usage?.OutputTokenCount ?? tokens)
                )
            );
    }

    private static RunEvent State(DelayNotice delay) =>
        RunEvent.Of("state", new GenerationWaits(delay.State, delay.Reason, delay.Attempt, delay.Milliseconds));

    private static RunEvent ToolUse(FunctionCallContent tool) =>
        RunEvent.Of("tool_use", new GenerationToolUse(tool.CallId, tool.Name, ToolCalls.InputOrText(tool)));
}
