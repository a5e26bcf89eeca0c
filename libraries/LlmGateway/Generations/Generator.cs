using LlmGateway.Requests;
using Microsoft.Extensions.AI;
using Runs;

namespace LlmGateway.Generations;

/// <summary>Starts generations: reads the provider to its end and stores the answer, with or without readers.</summary>
internal sealed class Generator(
    RunStore runs,
    PromptStore prompts,
    RunUpdates updates,
    LiveRuns live,
    AnswerWriters writers,
    RequestBudget budget,
    TimeProvider clock
)
{
    public const string Kind = "generations";

    /// <summary>Returns the generation of an id; null if it can be none's.</summary>
    public static RunName? NameOf(string id) =>
        id.Length == 32 && id.All(char.IsAsciiHexDigitLower) ? new RunName(Kind, id) : null;

    /// <summary>Starts a generation. Does nothing if one with this id exists.</summary>
    /// <param name="prompt">What is kept of the request, beside the answer.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer; a retry is safe.</exception>
    public async Task<RunHead> StartAsync(
        ChatCall call,
        RunPrompt prompt,
        string id,
        string? owner,
        CancellationToken cancellationToken
    )
    {
        var client = call.Options.Client;
        var (name, now) = (new RunName(Kind, id), clock.GetUtcNow());
        await prompts.StoreAsync(name, prompt, client, cancellationToken);
        var start = await runs.BeginAsync(
            Kind,
            client,
            new GenerationStarted(call.Target.Provider, call.Target.Model, now, owner),
            id,
            cancellationToken: cancellationToken
        );
        var head = new RunHead(name, start.Announced, now, call.Target.Provider, call.Target.Model);
        if (start.Run is not { } run)
            return await updates.FindAsync(name, cancellationToken) ?? head;

        // The run keeps the prompt after the request that started it.
        var kept = budget.Keep(client, call.Bytes);
        _ = live.Start(run, r => GenerateAsync(r, call, kept));
        return head;
    }

    private async Task GenerateAsync(Run run, ChatCall call, IDisposable kept)
    {
        using var _ = kept;
        await using var writer = writers.Of(run, GenerationEvents.Token, call.Target.Provider);
        call.Options.OnDelay = delay => writer.Event(GenerationEvents.State(delay));

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
                        await writer.TextAsync(reasoning.Text, GenerationEvents.Reasoning);
                    else if (content is FunctionCallContent tool)
                        writer.Event(GenerationEvents.ToolUse(tool));

                finish = update.FinishReason?.Value ?? finish;
            }
            await writer.EndAsync(GenerationEvents.Done(finish, usage));
        }
        catch (OperationCanceledException) when (run.StopReason == RunStop.Cancelled)
        {
            await writer.EndAsync(GenerationEvents.Done(GenerationEvents.Cancelled, usage));
        }
        catch (OperationCanceledException) when (run.StopReason == RunStop.Interrupted)
        {
            await writer.EndAsync(RunEvent.Failed("The server stopped before the answer was complete.", "interrupted"));
        }
        catch (UpstreamException e)
        {
            await writer.EndAsync(GenerationEvents.Failed(e));
        }
    }
}
