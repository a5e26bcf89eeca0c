using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using EventStore;

namespace LlmGateway.Generations;

/// <summary>Contents of an answer as they are stored: in the JSON of Microsoft.Extensions.AI, which does not depend on
/// the application's options.</summary>
internal sealed record StoredContents(JsonElement Contents)
{
    /// <summary>Most bytes of an event's data, without the names of the details.</summary>
    private const int MaxBytes = 1024 * 1024 - 1024;

    private static readonly JsonSerializerOptions Options = new(AIJsonUtilities.DefaultOptions)
    {
        WriteIndented = false,
    };

    public static JsonTypeInfo<ChatResponseUpdate> Json { get; } = Options.TypeOf<ChatResponseUpdate>();

    public static JsonTypeInfo<AIContent> OneJson { get; } = Options.TypeOf<AIContent>();

    public static StoredContents None { get; } = new(JsonElement.Parse("[]"));

    private static JsonTypeInfo<IList<AIContent>> ListJson { get; } = Options.TypeOf<IList<AIContent>>();

    /// <summary>Makes the details of an event. Null if there are no contents, or the store would refuse an event with
    /// them.</summary>
    /// <param name="bare">The event without them.</param>
    public static StoredContents? Of(IList<AIContent> contents, RunEvent bare)
    {
        var json = JsonSerializer.SerializeToElement(contents, ListJson);
        var bytes = JsonMarshal.GetRawUtf8Value(json).Length + Encoding.UTF8.GetByteCount(bare.Data);
        return contents.Count > 0 && bytes < MaxBytes ? new StoredContents(json) : null;
    }

    /// <summary>Returns the contents in the details of an event, or null if it has none.</summary>
    public static IList<AIContent>? In(JsonElement data) =>
        data.TryGetProperty("details"u8, out var details) && details.TryGetProperty("contents"u8, out var contents)
            ? contents.Deserialize(ListJson)
            : null;

    /// <summary>Reads an update, or returns null if the event is one of the application's own.</summary>
    /// <exception cref="UpstreamException">The update is the failure of the application's model.</exception>
    public static ChatResponseUpdate? UpdateOf(ReadOnlySpan<byte> data)
    {
        try
        {
            if (JsonSerializer.Deserialize(data, Json) is not { } update)
                return null;

            update.Contents =
            [
                .. update.Contents.Select(content =>
                    ProviderFailure.Read(content, "The answer is incomplete: its model failed.")
                ),
            ];
            return update;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            return null;
        }
    }
}
