using System.Text.Json.Serialization.Metadata;
using EventStore;
using Streaming.Requests;

namespace LlmGateway.Generations;

/// <summary>Stores and reads the prompt of each run, in a topic beside the run's own, so that the run's readers do not
/// get the prompt.</summary>
internal sealed class PromptStore(EventAppender appender, RunStore runs, ReadGate turns)
{
    private static readonly JsonTypeInfo<IList<ChatMessage>> Messages =
        (JsonTypeInfo<IList<ChatMessage>>)AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IList<ChatMessage>));

    /// <summary>Stores a prompt before its run begins, so that no run lacks its prompt. A repeated request stores the
    /// prompt again.</summary>
    /// <param name="client">The client whose share of the log the prompt uses.</param>
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
                            prompt.Asked,
                            prompt.Instructions
                        )
                    )
                ),
            ],
            client,
            cancellationToken
        );

    /// <summary>Reads the prompt of a run, or returns null if the run is an application's own, or is older than stored
    /// prompts.</summary>
    public async Task<RunPrompt?> ReadAsync(RunName name, CancellationToken cancellationToken) =>
        (await ReadSizedAsync(name, cancellationToken)).Prompt;

    /// <summary>Reads the prompt of a run within the client's turn, because a prompt may have megabytes.</summary>
    /// <inheritdoc cref="ReadAsync(RunName, CancellationToken)"/>
    public async Task<RunPrompt?> ReadAsync(HttpContext context, RunName name)
    {
        using var turn = await turns.EnterAsync(context);
        return await ReadAsync(name, context.RequestAborted);
    }

    /// <inheritdoc cref="ReadAsync(RunName, CancellationToken)"/>
    public async Task<(RunPrompt? Prompt, long Bytes)> ReadSizedAsync(RunName name, CancellationToken cancellationToken)
    {
        if (await runs.LastAsync(TopicOf(name), cancellationToken) is not { } entry)
            return default;

        var stored = JsonSerializer.Deserialize(entry.Data, RunJson.Options.TypeOf<StoredPrompt>())!;
        var prompt = new RunPrompt(
            stored.Dialect,
            [.. stored.Messages.Deserialize(Messages)!],
            stored.Previous,
            stored.Asked,
            stored.Instructions
        );
        return (prompt, entry.Data.Length);
    }

    public static string TopicOf(RunName name) => $"{name.Topic}.prompt";
}

internal sealed record StoredPrompt(
    string Dialect,
    JsonElement Messages,
    string? Previous,
    JsonObject? Asked,
    string? Instructions = null
);
