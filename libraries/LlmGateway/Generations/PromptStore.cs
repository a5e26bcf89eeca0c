using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EventStore;
using Microsoft.Extensions.AI;
using Streaming.Requests;

namespace LlmGateway.Generations;

/// <summary>Stores and reads what runs were asked, in a topic beside the run's own: its readers get none of
/// it.</summary>
internal sealed class PromptStore(EventAppender appender, RunEventReader reader, RunUpdates updates, ReadGate turns)
{
    private static readonly JsonTypeInfo<IList<ChatMessage>> Messages =
        (JsonTypeInfo<IList<ChatMessage>>)AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IList<ChatMessage>));

    /// <summary>Stores a prompt. It precedes its run, so that no run lacks its own; a repeated request stores it
    /// again.</summary>
    /// <param name="client">The client whose share of the log it uses.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task StoreAsync(RunName name, RunPrompt prompt, string client, CancellationToken cancellationToken) =>
        appender.AppendAsync(
            [
                NewEvent.Own(
                    TopicOf(name),
                    "prompt",
                    RunJson.Write(
                        new StoredPrompt(
                            prompt.Dialect,
                            JsonSerializer.SerializeToElement([.. prompt.Messages], Messages),
                            prompt.Previous,
                            prompt.Asked
                        )
                    )
                ),
            ],
            client,
            cancellationToken
        );

    /// <summary>Returns null if the run is an application's own, or from before prompts were stored.</summary>
    public async Task<RunPrompt?> ReadAsync(RunName name, CancellationToken cancellationToken) =>
        (await ReadSizedAsync(name, cancellationToken)).Prompt;

    /// <summary>Reads it within the client's turn: a prompt may have megabytes.</summary>
    /// <inheritdoc cref="ReadAsync(RunName, CancellationToken)"/>
    public async Task<RunPrompt?> ReadAsync(HttpContext context, RunName name)
    {
        using var turn = await turns.EnterAsync(context);
        return await ReadAsync(name, context.RequestAborted);
    }

    /// <summary>Returns the messages that a run answers, those before it included, or null if there are none, or they
    /// are more than a request may have.</summary>
    /// <inheritdoc cref="HistoryAsync"/>
    public async Task<List<ChatMessage>?> QuestionAsync(
        RunName name,
        int most,
        long mostBytes,
        CancellationToken cancellationToken
    )
    {
        if (await ReadAsync(name, cancellationToken) is not { } prompt)
            return null;
        if (prompt.Previous is null)
            return [.. prompt.Messages];

        return
            await updates.FindAsync(new RunName(name.Kind, prompt.Previous), cancellationToken) is { } before
            && await HistoryAsync(before, most, mostBytes, cancellationToken) is { } history
            ? [.. history, .. prompt.Messages]
            : null;
    }

    /// <summary>Returns the messages of a conversation through this run's answer, oldest first, or null if they are
    /// more than a request may have.</summary>
    /// <param name="most">Most messages.</param>
    /// <param name="mostBytes">About the most bytes of all.</param>
    public async Task<List<ChatMessage>?> HistoryAsync(
        RunHead last,
        int most,
        long mostBytes,
        CancellationToken cancellationToken
    )
    {
        var history = new List<ChatMessage>();
        var bytes = 0L;
        for (var run = last; run is not null; )
        {
            var (prompt, size) = await ReadSizedAsync(run.Name, cancellationToken);
            if (prompt is { IsDeleted: true })
                break;

            var answer = await updates.SoFarAsync(run, cancellationToken);
            history.InsertRange(0, [.. prompt?.Messages ?? [], .. answer.Updates.ToChatResponse().Messages]);

            bytes += size + answer.Updates.Sum(update => update.Text.Length);
            if (history.Count > most || bytes > mostBytes)
                return null;

            run = prompt?.Previous is { } previous
                ? await updates.FindAsync(new RunName(run.Name.Kind, previous), cancellationToken)
                : null;
        }

        return history;
    }

    private async Task<(RunPrompt? Prompt, long Bytes)> ReadSizedAsync(
        RunName name,
        CancellationToken cancellationToken
    )
    {
        if (await reader.LastAsync(TopicOf(name), cancellationToken) is not { } entry)
            return default;

        var stored = JsonSerializer.Deserialize(entry.Data, RunJson.Options.TypeOf<StoredPrompt>())!;
        var prompt = new RunPrompt(
            stored.Dialect,
            [.. stored.Messages.Deserialize(Messages)!],
            stored.Previous,
            stored.Asked
        );
        return (prompt, entry.Data.Length);
    }

    private static string TopicOf(RunName name) => $"{name.Topic}.prompt";
}
