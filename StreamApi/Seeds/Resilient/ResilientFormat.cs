using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// Shows unnamed messages, <c>retry: 4000</c> while the source fails, and <c>event: error</c> after the last retry.
/// Past failures of a source that was restarted only tell their position, because they neither end nor delay anything.
/// </summary>
/// <param name="named">The value of <c>?named=</c>.</param>
/// <param name="restartedAfter">The place through which failures are past (<see cref="SessionState.RestartedAfter"/>),
/// or null if there is none.</param>
internal sealed class ResilientFormat(bool? named, StreamPosition? restartedAfter)
{
    public const string Message = "message",
        Retry = "retry",
        Failed = "failed";

    /// <summary>The frame of <see cref="Failed"/>: the log takes no event with the type of the streams' own.</summary>
    public const string Error = "error";

    public SseItem<object?>? Show(EventRecord record)
    {
        var isFailure = record.Type is Retry or Failed;
        if (isFailure && record.At.Position <= restartedAfter?.Position)
            return null;

        using var data = JsonDocument.Parse(record.Data);
        if (record.Type == Retry)
            return new(null) { ReconnectionInterval = DelayIn(data.RootElement) };

        var type = record.Type == Failed ? Error : record.Type;
        return new(
            named == false ? Typed(type, data.RootElement) : data.RootElement.Clone(),
            named == true || (named is null && type == Error) ? type : null
        );
    }

    private static TimeSpan? DelayIn(JsonElement data) =>
        data.ValueKind == JsonValueKind.Number && data.TryGetInt32(out var milliseconds) && milliseconds >= 0
            ? TimeSpan.FromMilliseconds((double)milliseconds)
            : null;

    /// <summary>Adds the type, for clients that have only <c>onmessage</c>.</summary>
    private static JsonObject Typed(string type, JsonElement data)
    {
        var typed = new JsonObject { ["type"] = type };
        foreach (var member in data.EnumerateObject())
            typed[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        return typed;
    }
}
