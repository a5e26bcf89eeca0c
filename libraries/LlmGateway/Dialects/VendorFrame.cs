using System.Text;
using Streaming.Frames;

namespace LlmGateway.Dialects;

/// <summary>Makes the JSON of answers in the vendors' APIs, and the frames with this JSON.</summary>
internal static class VendorFrame
{
    public static JsonObject Object(params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        WireJson.Object(members);

    /// <inheritdoc cref="WireJson.Known"/>
    public static JsonObject Known(params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        WireJson.Known(members);

    public static JsonObject Event(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        WireJson.Typed(type, members);

    /// <summary>Makes a frame. Its id comes first, because a client that resumes after such a frame takes the id when
    /// it reads the data.</summary>
    public static byte[] Of(JsonNode data, string? name = null, string? id = null)
    {
        var frame = Of(data.ToJsonString(RunJson.Options), name);
        return id is null ? frame : SseFrame.WithIdFirst(frame, id);
    }

    public static byte[] Of(string data, string? name = null) => SseFrame.ToBytes(Encoding.UTF8.GetBytes(data), name);
}
