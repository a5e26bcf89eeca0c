using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore;
using Runs;

namespace LlmGateway.Generations;

/// <summary>What a generation is announced with.</summary>
internal sealed record GenerationStarted(string Provider, string Model, DateTimeOffset CreatedAt);

/// <summary>Tokens read and written.</summary>
internal sealed record GenerationUsage(long InputTokens, long OutputTokens);

/// <summary>A generation as its events tell it; nothing else is stored.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Status"><c>running</c>, <c>done</c>, <c>cancelled</c>, <c>failed</c> or <c>interrupted</c>.</param>
/// <param name="Text">What was written so far.</param>
/// <param name="Usage">At the end; null before it, and where there was none.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="Error">What went wrong.</param>
/// <param name="Reason">The same for programs.</param>
/// <param name="ToolUses">Tools that the model asked for.</param>
/// <param name="Provider">Who answers.</param>
/// <param name="Model">With which model.</param>
/// <param name="CreatedAt">When it was asked for.</param>
/// <param name="FirstTokenAt">When its first token was stored; null before it.</param>
/// <param name="EndedAt">When it ended.</param>
/// <param name="Stream">Where it is read.</param>
/// <param name="Truncated">True where the text is longer than one answer may be: the rest follows on the stream, after
/// <c>X-Sse-Position</c>.</param>
internal sealed record GenerationState(
    string Id,
    string Status,
    string Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] GenerationUsage? Usage,
    string? FinishReason,
    string? Error,
    string? Reason,
    IReadOnlyList<JsonElement>? ToolUses,
    string? Provider,
    string? Model,
    DateTimeOffset? CreatedAt,
    DateTimeOffset? FirstTokenAt,
    DateTimeOffset? EndedAt,
    string Stream,
    bool? Truncated = null
)
{
    public static string StreamOf(string id) => $"/v1/generations/{id}/stream";

    /// <summary>Null where there is no such generation.</summary>
    public static async Task<(GenerationState State, StreamId Position)?> ReadAsync(
        RunName name,
        RunLog runs,
        CancellationToken cancellationToken
    )
    {
        var text = new StringBuilder();
        var tools = new List<JsonElement>();
        var state = new GenerationState(
            name.Id,
            "",
            "",
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            StreamOf(name.Id)
        );
        var extent = await runs.ReadOldestAsync(name, e => state = state.With(e, text, tools), cancellationToken);
        if (state.CreatedAt is null)
            return null;
        if (!extent.IsWhole)
        {
            state = state with { Truncated = true };
            // How it ended stands at the end, and does not take the text along.
            if (!extent.GoesOn && await runs.LastAsync(name, cancellationToken) is { Type: "done" or "error" } last)
                state = state.With(last, text, tools);
        }
        if (state.Status.Length == 0)
            state = state with { Status = extent.GoesOn ? "running" : "interrupted" };
        return (
            state with
            {
                Text = text.ToString(),
                ToolUses = tools.Count > 0 ? tools : null,
            },
            new StreamId(extent.Epoch, extent.Through)
        );
    }

    private GenerationState With(RunEntry e, StringBuilder text, List<JsonElement> tools)
    {
        using var data = JsonDocument.Parse(e.Data);
        var root = data.RootElement;
        switch (e.Type)
        {
            case RunLog.Announcement
                when e.OfLog && root.Deserialize<GenerationStarted>(RunJson.Options) is { } started:
                return this with { Provider = started.Provider, Model = started.Model, CreatedAt = started.CreatedAt };
            case "token":
                text.Append(root.GetProperty("text").GetString());
                return FirstTokenAt is null ? this with { FirstTokenAt = e.Time } : this;
            case "tool_use":
                tools.Add(root.Clone());
                return this;
            case "done":
                var finish = root.GetProperty("finishReason").GetString();
                return this with
                {
                    Status = finish == "cancelled" ? "cancelled" : "done",
                    FinishReason = finish,
                    EndedAt = e.Time,
                    Usage = root.GetProperty("usage").Deserialize<GenerationUsage>(RunJson.Options),
                };
            case "error":
                var reason = root.GetProperty("reason").GetString();
                return this with
                {
                    Status = reason == "interrupted" ? "interrupted" : "failed",
                    Error = root.GetProperty("error").GetString(),
                    Reason = reason,
                    EndedAt = e.Time,
                };
            default:
                return this;
        }
    }
}
