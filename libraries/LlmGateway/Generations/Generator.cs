using LlmGateway.Providers;
using LlmGateway.Telemetry;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Runs;

namespace LlmGateway.Generations;

/// <summary>Does a generation's work: reads the provider to its end and stores what it says. Readers come and go
/// without it.</summary>
internal sealed class Generator(
    RunLog runs,
    LiveRuns live,
    FlushScheduler beat,
    ChatMetrics metrics,
    IOptions<LlmOptions> options,
    TimeProvider clock
)
{
    public const string Kind = "generations";

    /// <summary>Begins a generation; one of this id that was begun before is left as it is.</summary>
    public async Task<RunStart> StartAsync(ChatCall call, string id, CancellationToken cancellationToken)
    {
        var start = await runs.BeginAsync(
            Kind,
            new GenerationStarted(call.Target.Provider, call.Target.Model, clock.GetUtcNow()),
            id,
            cancellationToken: cancellationToken
        );
        if (start.Run is { } run)
            _ = live.Start(run, r => GenerateAsync(r, call));
        return start;
    }

    private async Task GenerateAsync(Run run, ChatCall call)
    {
        var writer = new RunWriter(
            run,
            text => RunEvent.Of("token", new { text }),
            options.Value,
            beat,
            metrics,
            call.Target.Provider,
            clock
        );
        ProviderWait.TellTo(
            call.Options,
            wait =>
                writer.Event(
                    RunEvent.Of(
                        "state",
                        new
                        {
                            state = wait.State,
                            reason = wait.Reason,
                            attempt = wait.Attempt,
                            retryInMs = wait.Milliseconds,
                        }
                    )
                )
        );
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
                    writer.Event(
                        RunEvent.Of(
                            "tool_use",
                            new
                            {
                                id = tool.CallId,
                                tool = tool.Name,
                                input = ToolCalls.Input(tool),
                            }
                        )
                    );
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
            await writer.EndAsync(RunEvent.Failed("The server stopped before the answer was finished.", "interrupted"));
        }
        catch (UpstreamException e)
        {
            await writer.EndAsync(RunEvent.Failed(e.Message, e.Reason));
        }

        // Where the provider says nothing, or not any more, our own count.
        RunEvent Done(string reason) =>
            RunEvent.Of(
                "done",
                new
                {
                    finishReason = reason,
                    usage = new GenerationUsage(
                        usage?.InputTokenCount ?? call.InputTokens,
                        usage?.OutputTokenCount ?? tokens
                    ),
                }
            );
    }
}
