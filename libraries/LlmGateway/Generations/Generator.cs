using Runs;

namespace LlmGateway.Generations;

/// <summary>
/// Starts generations: reads a provider's answer to its end and stores it, with or without readers. If the process is
/// lost, another process continues from the provider's continuation token, if there is one.
/// </summary>
internal sealed class Generator(
    RunStarter runs,
    RunUpdates updates,
    AnswerBufferFactory buffers,
    Continuations continuations,
    RequestBudget budget,
    TimeProvider clock
)
{
    /// <summary>Least time between two stored continuation tokens, so that they are few compared with the events of
    /// text.</summary>
    private static readonly TimeSpan TokenInterval = TimeSpan.FromSeconds(1);

    /// <summary>Starts a generation. Does nothing if one with this id exists.</summary>
    /// <param name="prompt">The part of the request that is stored.</param>
    /// <param name="preparedAsync">Called after every check, when only the begin can still fail, or null.</param>
    /// <exception cref="InvalidChatException">The generation with this id was deleted.</exception>
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
        var name = new RunName(GenerationName.Kind, id);
        var now = clock.GetUtcNow();
        var work = await continuations.PrepareAsync(name, call, prompt, cancellationToken);
        if (preparedAsync is not null)
            await preparedAsync();

        var announcement = RunJson.Write(new GenerationStarted(call.Target.Provider, call.Target.Model, now, owner));
        var begun = await runs.StartAsync(
            new RunStart(name, call.Options.Client, announcement) { Handled = work },
            run => GenerateAsync(run, call, new StoredAnswer()),
            cancellationToken
        );
        var head = new RunHead(name, begun.Announced, now, call.Target.Provider, call.Target.Model);
        return begun.IsNew ? head : await updates.FindAsync(name, cancellationToken) ?? head;
    }

    /// <summary>Continues a generation that another process has left.</summary>
    public async Task ContinueAsync(Run run, string input)
    {
        var stored = await StoredAnswer.ReadAsync(run.ReadAsync(CancellationToken.None));
        run.EndOf = failure => EndOf(failure, run, new AnswerUsage(call: null));
        if (await continuations.CallOfAsync(run.Name, input, stored) is not { } call)
        {
            if (run.StopReason == StopReason.None)
                await run.EndAsync(run.ClosingEvents);
            return;
        }

        run.Client = call.Options.Client;
        await GenerateAsync(run, call, stored);
    }

    private async Task GenerateAsync(Run run, ChatCall call, StoredAnswer stored)
    {
        // The run keeps the prompt in memory after the request that started it has ended.
        using var kept = budget.Keep(call.Options.Client, call.Bytes);
        await using var writer = buffers.Of(run, GenerationEvents.Token, call.Target.Provider);
        call.Options.OnDelay = delay => writer.Event(GenerationEvents.State(delay));

        var usage = new AnswerUsage(call);
        stored.Updates.ForEach(usage.Add);
        stored.Updates.Clear();
        run.EndOf = failure => EndOf(failure, run, usage);
        var finish = "stop";
        var tokenAt = 0L;

        await foreach (var update in call.StreamAsync(run.Stopping))
        {
            stored.Pass(update);
            usage.Add(update);
            foreach (var content in update.Contents)
                await StoreAsync(content, writer);

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

    private static async ValueTask StoreAsync(AIContent content, AnswerBuffer writer)
    {
        switch (content)
        {
            case TextContent { Annotations: null or { Count: 0 } } text:
                if (text.Text.Length > 0)
                    await writer.TextAsync(text.Text, text.IsRefusal() ? GenerationEvents.Refusal : null);
                break;
            case TextReasoningContent reasoning:
                if (reasoning.Text.Length > 0)
                    await writer.TextAsync(reasoning.Text, GenerationEvents.Reasoning);
                if (reasoning.ProtectedData is { Length: > 0 } data)
                    writer.Event(GenerationEvents.Protected(data));
                break;
            case FunctionCallContent call:
                writer.Event(GenerationEvents.ToolUse(call));
                break;
            // The event of the end has the usage.
            case UsageContent:
                break;
            default:
                writer.Event(GenerationEvents.Shown(content));
                break;
        }
    }

    /// <summary>Returns the end of a generation that was cancelled, or whose provider has failed. A provider's library
    /// may take its cancellation for a failure.</summary>
    private static RunEvent[]? EndOf(Exception? failure, Run run, AnswerUsage usage) =>
        run.StopReason == StopReason.Cancelled ? [GenerationEvents.Done(GenerationEvents.Cancelled, usage)]
        : failure is UpstreamException e ? [GenerationEvents.Failed(e)]
        : null;
}
