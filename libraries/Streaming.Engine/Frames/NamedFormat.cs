using System.Buffers;
using System.Text.Json;

namespace Streaming.Frames;

/// <summary>Frames events for clients with <c>addEventListener</c>, or for clients with only <c>onmessage</c>, as
/// <c>?named=</c> selects. It never throws, whatever was published.</summary>
/// <remarks>With <c>?named=false</c> the data carries the name: in its own <c>event</c>, <c>type</c> or <c>status</c>,
/// otherwise in an added <c>type</c>.</remarks>
internal class NamedFormat(
    Func<string, bool> isNamed,
    bool namesInData,
    IReadOnlyCollection<string> ends,
    bool sendsPositions
) : FrameFormat
{
    /// <summary>Names every event by its type.</summary>
    public static NamedFormat Always { get; } = new(_ => true, namesInData: false, ends: [], sendsPositions: true);

    /// <summary>Names no event, for clients that have only <c>onmessage</c>.</summary>
    public static NamedFormat Never { get; } = new(_ => false, namesInData: false, ends: [], sendsPositions: true);

    /// <summary>Names no event; the data carries the name.</summary>
    public static NamedFormat InData { get; } = new(_ => false, namesInData: true, ends: [], sendsPositions: true);

    public override bool Ends(EventRecord record) => ends.Contains(record.Type);

    public override bool SendsPositions => sendsPositions;

    public override void Write(IBufferWriter<byte> output, string id, EventRecord record) =>
        SseFrame.Write(
            output,
            namesInData ? WithName(record.Type, record.Data) : record.Data.Span,
            isNamed(record.Type) ? record.Type : null,
            id
        );

    /// <summary>
    /// Adds the type: <c>{"petId":…}</c> becomes <c>{"type":"stock-change","petId":…}</c>, <c>"word"</c> becomes
    /// <c>{"type":"token","data":"word"}</c>.
    /// </summary>
    public static ReadOnlySpan<byte> WithName(string type, ReadOnlyMemory<byte> data)
    {
        using var document = JsonDocument.Parse(data);
        var root = document.RootElement;
        if (
            root.ValueKind == JsonValueKind.Object
            && (
                root.TryGetProperty("event"u8, out _)
                || root.TryGetProperty("type"u8, out _)
                || root.TryGetProperty("status"u8, out _)
            )
        )
            return data.Span;

        var output = new ArrayBufferWriter<byte>(data.Length + 64);
        using (var json = new Utf8JsonWriter(output, FrameJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, type);

            if (root.ValueKind != JsonValueKind.Object)
            {
                json.WritePropertyName("data"u8);
                root.WriteTo(json);
            }
            else
                foreach (var member in root.EnumerateObject())
                    member.WriteTo(json);

            json.WriteEndObject();
        }

        return output.WrittenSpan;
    }
}
