using System.Buffers;
using System.Text.Json;
using EventStore;

namespace Streaming.Frames;

/// <summary>
/// An event of a stream that is read both by <c>addEventListener</c> and by clients that have only <c>onmessage</c>:
/// <c>?named=</c>
/// switches between them. Unnamed by request, the frame's data says its name itself: as <c>event</c>, <c>type</c> or
/// <c>status</c>, where
/// it has none of these as an added <c>type</c>. Never throws, whatever was published on the topic.
/// </summary>
internal class NamedFormat(
    Func<string, bool> isNamed,
    bool namesInData,
    IReadOnlyCollection<string> ends,
    bool sendsPositions
) : FrameFormat
{
    public override bool Ends(EventRecord e) => ends.Contains(e.Type);

    public override bool SendsPositions => sendsPositions;

    public override void Write(IBufferWriter<byte> output, string id, EventRecord e)
    {
        var frame = new SseFrame(output).Id(id);
        if (isNamed(e.Type))
            frame.Event(e.Type);
        frame.Data(Data(e.Type, e.Data)).End();
    }

    /// <summary>The data as this form shows it.</summary>
    protected ReadOnlySpan<byte> Data(string type, ReadOnlyMemory<byte> data) =>
        namesInData ? WithName(type, data) : data.Span;

    /// <summary><c>{"petId":…}</c> becomes <c>{"type":"stock-change","petId":…}</c>, <c>"word"</c> becomes
    /// <c>{"type":"token","data":"word"}</c>.</summary>
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
        using (var json = new Utf8JsonWriter(output, EventEnvelope.JsonOptions))
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

/// <summary>The three forms of one stream: as it is by itself, <c>?named=true</c>, <c>?named=false</c>.</summary>
internal sealed class NamedFormats(Func<Func<string, bool>, bool, FrameFormat> make, Func<string, bool> isNamed)
{
    private readonly FrameFormat _byItself = make(isNamed, false),
        _named = make(_ => true, false),
        _unnamed = make(_ => false, true);

    /// <param name="isNamed">Whether an event type has a name where the client asks for neither.</param>
    /// <param name="ends">Types that end the stream.</param>
    /// <param name="sendsPositions">See <see cref="FrameFormat.SendsPositions"/>.</param>
    public static NamedFormats Of(
        Func<string, bool> isNamed,
        IReadOnlyCollection<string>? ends = null,
        bool sendsPositions = true
    ) => new((named, inData) => new NamedFormat(named, inData, ends ?? [], sendsPositions), isNamed);

    public FrameFormat For(bool? named) =>
        named switch
        {
            true => _named,
            false => _unnamed,
            null => _byItself,
        };
}
