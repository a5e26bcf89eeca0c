using System.Text.Json;
using EventStore;
using LlmGateway.Generations;
using Microsoft.Extensions.AI;

namespace AspireSse;

/// <summary>Appends the answers of models to runs, for <see cref="RunFormat"/>.</summary>
public static class RunUpdateExtensions
{
    /// <summary>Appends an update as an event <c>update</c>, its JSON as that of Microsoft.Extensions.AI, and returns
    /// once it is durable.</summary>
    /// <param name="run">The run.</param>
    /// <param name="update">Text, reasoning, calls of tools and their results, usage, the reason of the end.</param>
    /// <exception cref="ArgumentException">Its JSON is none that the log takes: see <see cref="NewEvent"/>.</exception>
    /// <exception cref="NotSupportedException">It has content of a type that its JSON cannot have.</exception>
    /// <remarks>It throws once another process has ended the run; let that pass.</remarks>
    public static Task AppendAsync(this Run run, ChatResponseUpdate update)
    {
        ArgumentNullException.ThrowIfNull(run);
        var json = JsonSerializer.Serialize(update, RunUpdates.Json);
        return run.AppendAsync(new RunEvent(RunUpdates.Type, EventRules.Data(json)));
    }

    /// <summary>Appends each update of an answer, as it comes, in its order. It ends with the answer, or when the run
    /// must stop.</summary>
    /// <param name="run">The run.</param>
    /// <param name="updates">Such as <c>chat.GetStreamingResponseAsync(messages)</c>.</param>
    /// <inheritdoc cref="AppendAsync(Run, ChatResponseUpdate)"/>
    public static async Task AppendAsync(this Run run, IAsyncEnumerable<ChatResponseUpdate> updates)
    {
        ArgumentNullException.ThrowIfNull(run);
        await foreach (var update in updates.WithCancellation(run.Stopping))
            await run.AppendAsync(update);
    }
}
