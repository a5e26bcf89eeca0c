using System.Text;
using System.Text.Json.Serialization;
using EventStore;

namespace LlmGateway.Generations;

/// <summary>State of a generation, computed from its events; nothing else is stored.</summary>
/// <param name="Id">Id of the generation.</param>
/// <param name="Status"><c>running</c>, <c>done</c>, <c>cancelled</c>, <c>failed</c> or <c>interrupted</c>.</param>
/// <param name="Text">Text so far.</param>
/// <param name="Usage">Counts of tokens, or null before the end and after an error.</param>
/// <param name="FinishReason">The provider's finish reason, or null before the end and after an error.</param>
/// <param name="Error">Error message.</param>
/// <param name="Reason">Machine-readable reason of the error.</param>
/// <param name="Reasoning">The model's reasoning so far, or null if it shows none.</param>
/// <param name="ToolUses">Tool calls that the model requested.</param>
/// <param name="Provider">Name of the provider.</param>
/// <param name="Model">Name of the model.</param>
/// <param name="CreatedAt">Time of the request.</param>
/// <param name="FirstTokenAt">Time at which the first token was stored.</param>
/// <param name="EndedAt">Time at which the last event was stored.</param>
/// <param name="Stream">Path of its event stream.</param>
/// <param name="Truncated">True if the text is cut (<c>RunOptions.MaxReadBytes</c>): the stream has the rest, after
/// <c>X-Sse-Position</c>.</param>
internal sealed record GenerationState(
    string Id,
    string Status,
    string Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] GenerationUsage? Usage = null,
    string? FinishReason = null,
    string? Error = null,
    string? Reason = null,
    string? Reasoning = null,
    IReadOnlyList<GenerationToolUse>? ToolUses = null,
    string? Provider = null,
    string? Model = null,
    DateTimeOffset? CreatedAt = null,
    DateTimeOffset? FirstTokenAt = null,
    DateTimeOffset? EndedAt = null,
    string Stream = "",
    bool? Truncated = null
)
{
    /// <summary>Computes the state of a generation from its events. Null if the generation does not exist.</summary>
    /// <param name="name">The generation.</param>
    /// <param name="stream">Path of its event stream.</param>
    /// <param name="runs">Reads the events.</param>
    /// <param name="maxBytes">Most bytes of them.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    public static async Task<(GenerationState State, StreamPosition Position)?> ReadAsync(
        RunName name,
        string stream,
        RunStore runs,
        int maxBytes,
        CancellationToken cancellationToken
    )
    {
        var events = new List<RunEntry>();
        var extent = await runs.ReadOldestAsync(name.Topic, maxBytes, events.Add, cancellationToken);
        if (events.Find(entry => entry is { OfLog: true, Type: RunStore.Announcement }) is not { } announced)
            return null;
        // The last event has the result, and is read alone.
        var hasEnd = !extent.IsWhole && !extent.IsRunning;
        if (hasEnd && await runs.LastAsync(name.Topic, cancellationToken) is { } last && IsEnd(last))
            events.Add(last);

        var started = JsonSerializer.Deserialize(announced.Data, RunJson.Options.TypeOf<GenerationStarted>())!;
        var answer = new RunSoFar(name.Kind);
        foreach (var entry in events.Where(entry => !entry.OfLog))
            answer.Add(entry.Type, Encoding.UTF8.GetBytes(entry.Data));
        var contents = answer.Updates.SelectMany(update => update.Contents).ToList();
        var usage = contents.OfType<UsageContent>().LastOrDefault()?.Details;
        var finish = (answer.Updates is [.., var newest] ? newest.FinishReason : null)?.Value;
        var reasoning = string.Concat(contents.OfType<TextReasoningContent>().Select(content => content.Text));
        var tools = contents.OfType<FunctionCallContent>().Select(GenerationEvents.ToolUseOf).ToList();
        var state = new GenerationState(
            name.Id,
            StatusOf(finish, answer.Failure, extent.IsRunning),
            string.Concat(contents.Select(UnshownContent.TextOf)),
            usage is null ? null : new GenerationUsage(usage.InputTokenCount ?? 0, usage.OutputTokenCount ?? 0),
            finish,
            answer.Failure?.Message,
            answer.Failure?.Reason,
            reasoning.Length > 0 ? reasoning : null,
            tools.Count > 0 ? tools : null,
            started.Provider,
            started.Model,
            started.CreatedAt,
            FirstTokenAt: events.Find(entry => entry.Type == "token")?.Time,
            EndedAt: events.FindLast(IsEnd)?.Time,
            stream,
            extent.IsWhole ? null : true
        );
        return (state, new StreamPosition(extent.Epoch, extent.Through));
    }

    private static bool IsEnd(RunEntry entry) => GenerationEvents.Ends(GenerationName.Kind, entry.Type);

    private static string StatusOf(string? finish, UpstreamException? failure, bool isRunning) =>
        failure is { Reason: "interrupted" } ? failure.Reason
        : failure is not null ? "failed"
        : finish == GenerationEvents.Cancelled ? finish
        : finish is not null ? "done"
        : isRunning ? "running"
        : "interrupted";
}
