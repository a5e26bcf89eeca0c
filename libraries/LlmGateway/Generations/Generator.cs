using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;
using Runs;

namespace LlmGateway.Generations;

/// <summary>
/// Starts generations: reads the provider to its end and stores the answer, with or without readers. If its process is
/// lost, another one goes on from the provider's continuation token, if it has given one.
/// </summary>
internal sealed class Generator(
    RunAcquisition runs,
    RunUpdates updates,
    LiveRuns live,
    AnswerBufferFactory buffers,
    Continuations continuations,
    RequestBudget budget,
    TimeProvider clock
)
{
    /// <summary>Time between two stored tokens of a provider: a hundredth of the events that text is.</summary>
    private static readonly TimeSpan TokenInterval = TimeSpan.FromSeconds(1);

    private static readonly RunEvent Interrupted = RunEvent.Failed(
        "The server stopped before the answer was complete.",
        "interrupted"
    );

    /// <summary>Starts a generation. Does nothing if one with this id exists.</summary>
    /// <param name="prompt">What is kept of the request, beside the answer.</param>
    /// <param name="preparedAsync">Called when nothing but the begin can fail, or null.</param>
    /// <exception cref="InvalidChatException">The one with this id was deleted.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer; a retry is safe.</exception>
    public async Task<RunHead> StartAsync(
        ChatCall call,
        RunPrompt prompt,
        string id,
        string? owner,
        CancellationToken cancellationToken,
        Func<Task>? preparedAsync = null
    )
    {
        var client = call.Options.Client;
        var name = new RunName(GenerationName.Kind, id);
        var now = clock.GetUtcNow();
        var work = await continuations.PrepareAsync(name, call, prompt, cancellationToken);
        if (preparedAsync is not null)
            await preparedAsync();

        var start = await runs.BeginAsync(
            GenerationName.Kind,
            client,
            new GenerationStarted(call.Target.Provider, call.Target.Model, now, owner),
            id,
            handled: work,
            cancellationToken: cancellationToken
        );
        var head = new RunHead(name, start.Announced, now, call.Target.Provider, call.Target.Model, owner);
        if (start.Run is not { } run)
            return await updates.FindAsync(name, cancellationToken) ?? head;

        // The answer to the begin may be so late that the run was found without its work, and has ended.
        if (live.Has(run.Name))
            return head;

        // The run keeps the prompt after the request that started it.
        var kept = budget.Keep(client, call.Bytes);
        _ = live.Start(run, r => GenerateAsync(r, call, kept, new StoredAnswer()));
        return head;
    }

    /// <summary>Goes on with a generation that another process has left.</summary>
    public async Task ContinueAsync(Run run, string input)
    {
        var stored = await StoredAnswer.ReadAsync(run.ReadAsync(CancellationToken.None));
        if (await continuations.CallOfAsync(run.Name, input, stored) is not { } call)
        {
            await run.EndAsync(Interrupted);
            return;
        }

        run.Client = call.Options.Client;
        await GenerateAsync(run, call, budget.Keep(call.Options.Client, call.Bytes), stored);
    }

    private async Task GenerateAsync(Run run, ChatCall call, IDisposable kept, StoredAnswer stored)
    {
        using var _ = kept;
        await using var writer = buffers.Of(run, GenerationEvents.Token, call.Target.Provider);
        call.Options.OnDelay = delay => writer.Event(GenerationEvents.State(delay));

        var usage = new AnswerUsage(call);
        stored.Updates.ForEach(usage.Add);
        stored.Updates.Clear();
        var finish = "stop";
        var tokenAt = 0L;

        try
        {
            await foreach (var update in call.StreamAsync(run.Stopping))
            {
                stored.Pass(update);
                usage.Add(update);
                foreach (var content in update.Contents)
                    if (content is TextContent { Text.Length: > 0 } text)
                        await writer.TextAsync(text.Text, text.IsRefusal() ? GenerationEvents.Refusal : null);
                    else if (content is TextReasoningContent { Text.Length: > 0 } reasoning)
                        await writer.TextAsync(reasoning.Text, GenerationEvents.Reasoning);
                    else if (content is FunctionCallContent tool)
                        writer.Event(GenerationEvents.ToolUse(tool));

                finish = update.FinishReason?.Value ?? finish;
                if (
                    update.ContinuationToken is { } token
                    && stored.IsPassed
                    && (tokenAt == 0 || clock.GetElapsedTime(tokenAt) >= TokenInterval)
                )
                {
                    writer.Event(GenerationEvents.ContinuesFrom(token));
                    tokenAt = clock.GetTimestamp();
                }
            }

            await writer.EndAsync(GenerationEvents.Done(finish, usage));
        }
        catch (OperationCanceledException) when (run.StopReason == StopReason.Cancelled)
        {
            await writer.EndAsync(GenerationEvents.Done(GenerationEvents.Cancelled, usage));
        }
        catch (OperationCanceledException) when (run.StopReason == StopReason.Interrupted)
        {
            // Left open, another process goes on.
            if (!run.MayRestart)
                await writer.EndAsync(Interrupted);
        }
        catch (UpstreamException e)
        {
            await writer.EndAsync(GenerationEvents.Failed(e));
        }
    }
}
