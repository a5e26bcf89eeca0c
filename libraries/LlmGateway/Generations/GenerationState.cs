using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore;
using Microsoft.Extensions.AI;
using Runs;

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
    /// <param name="cancellationToken">Cancels the read.</param>
    public static async Task<(GenerationState State, StreamPosition Position)?> ReadAsync(
        RunName name,
        string stream,
        AllRuns runs,
        CancellationToken cancellationToken
    )
    {
        var contents = new List<AIContent>();
        var state = new GenerationState(name.Id, Status: "", Text: "", Stream: stream);
        var extent = await runs.ReadOldestAsync(name, e => state = state.With(e, contents), cancellationToken);

        if (state.CreatedAt is null)
            return null;

        if (!extent.IsWhole)
        {
            state = state with { Truncated = true };
            // The last event has the result, and is read alone.
            if (!extent.IsRunning && await runs.LastAsync(name, cancellationToken) is { Type: "done" or "error" } last)
                state = state.With(last, contents);
        }

        if (state.Status.Length == 0)
            state = state with { Status = extent.IsRunning ? "running" : "interrupted" };

        var reasoning = string.Concat(contents.OfType<TextReasoningContent>().Select(content => content.Text));
        var tools = contents.OfType<FunctionCallContent>().Select(GenerationEvents.ToolUseOf).ToList();
        state = state with
        {
            Text = string.Concat(contents.OfType<TextContent>().Select(content => content.Text)),
            Reasoning = reasoning.Length > 0 ? reasoning : null,
            ToolUses = tools.Count > 0 ? tools : null,
        };
        return (state, new StreamPosition(extent.Epoch, extent.Through));
    }

    private GenerationState With(RunEntry entry, List<AIContent> contents)
    {
        if (entry.OfLog)
            return
                entry.Type == AllRuns.Announcement
                && JsonSerializer.Deserialize(entry.Data, RunJson.Options.TypeOf<GenerationStarted>()) is { } started
                ? this with
                {
                    Provider = started.Provider,
                    Model = started.Model,
                    CreatedAt = started.CreatedAt,
                }
                : this;

        ChatResponseUpdate? update;
        try
        {
            update = GenerationEvents.UpdateOf(entry.Type, Encoding.UTF8.GetBytes(entry.Data));
        }
        catch (UpstreamException e)
        {
            var status = e.Reason == "interrupted" ? e.Reason : "failed";
            return this with { Status = status, Error = e.Message, Reason = e.Reason, EndedAt = entry.Time };
        }

        contents.AddRange(update?.Contents ?? []);
        if (update?.FinishReason is not { Value: var finish })
            return FirstTokenAt is null && entry.Type == "token" ? this with { FirstTokenAt = entry.Time } : this;

        var usage = update.Contents.OfType<UsageContent>().FirstOrDefault()?.Details;
        return this with
        {
            Status = finish == GenerationEvents.Cancelled ? finish : "done",
            FinishReason = finish,
            EndedAt = entry.Time,
            Usage = usage is null ? null : new(usage.InputTokenCount ?? 0, usage.OutputTokenCount ?? 0),
        };
    }
}
