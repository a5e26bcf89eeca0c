using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using StreamApi.Runs;

namespace StreamApi.Chat.Generations;

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
internal sealed record GenerationState(
    string Id, string Status, string Text, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] GenerationUsage? Usage, string? FinishReason, string? Error, string? Reason, IReadOnlyList<JsonElement>? ToolUses,
    string? Provider, string? Model, DateTimeOffset? CreatedAt, DateTimeOffset? FirstTokenAt, DateTimeOffset? EndedAt, string Stream)
{
    public static string StreamOf(string id) => $"/v1/generations/{id}/stream";

    public static GenerationState Of(RunName name, RunRecord record)
    {
        var text = new StringBuilder();
        var state = new GenerationState(name.Id, record.GoesOn ? "running" : "interrupted", "", null, null, null, null, null, null, null, null, null, null, StreamOf(name.Id));
        List<JsonElement>? tools = null;
        foreach (var e in record.Events)
        {
            using var data = JsonDocument.Parse(e.Data);
            var root = data.RootElement;
            switch (e.Type)
            {
                case RunLog.Announcement when e.OfLog && root.Deserialize<GenerationStarted>(RunJson.Options) is { } started:
                    state = state with { Provider = started.Provider, Model = started.Model, CreatedAt = started.CreatedAt };
                    break;
                case "token":
                    text.Append(root.GetProperty("text").GetString());
                    if (state.FirstTokenAt is null) state = state with { FirstTokenAt = e.Time };
                    break;
                case "tool_use": (tools ??= []).Add(root.Clone()); break;
                case "done":
                    var finish = root.GetProperty("finishReason").GetString();
                    state = state with { Status = finish == "cancelled" ? "cancelled" : "done", FinishReason = finish, EndedAt = e.Time, Usage = root.GetProperty("usage").Deserialize<GenerationUsage>(RunJson.Options) };
                    break;
                case "error":
                    var reason = root.GetProperty("reason").GetString();
                    state = state with { Status = reason == "interrupted" ? "interrupted" : "failed", Error = root.GetProperty("error").GetString(), Reason = reason, EndedAt = e.Time };
                    break;
            }
        }
        return state with { Text = text.ToString(), ToolUses = tools };
    }
}
