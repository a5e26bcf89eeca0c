using System.Text;
using System.Text.Json.Nodes;
using Streaming.Frames;

namespace LlmGateway.VendorApis;

internal static class VendorFrame
{
    public static byte[] Of(JsonNode data, string? name = null) => Of(data.ToJsonString(RunJson.Options), name);

    public static byte[] Of(string data, string? name = null) => SseFrame.ToBytes(Encoding.UTF8.GetBytes(data), name);
}
