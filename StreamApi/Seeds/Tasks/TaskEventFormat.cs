using System.Buffers;
using System.Text.Json;
using EventStore;
using StreamApi.Seeds.Storage;
using Streaming.Frames;
using Streaming.Opening;

namespace StreamApi.Seeds.Tasks;

/// <summary>
/// The article's frame <c>{"id":…,"event":"task_updated","data":{…},"timestamp":"…Z"}</c>, unnamed by default.
/// </summary>
internal sealed class TaskEventFormat : FrameFormat
{
    private static readonly TaskEventFormat Named = new(true),
        Unnamed = new(false);
    private readonly bool _named;

    private TaskEventFormat(bool named) => _named = named;

    public static TaskEventFormat For(bool? named) => named == true ? Named : Unnamed;

    /// <summary>Returns the writer of the first frame, which the article also sends as an event.</summary>
    public Greeting Greeting(TimeProvider clock) => (startsAfter, _, _, _) => Connected(startsAfter, clock);

    public override void Write(IBufferWriter<byte> output, string id, EventRecord e) =>
        Write(new SseFrame(output), id, _named, e.Id, e.Type, e.Data.Span, e.Time.UtcDateTime);

    private byte[] Connected(StreamPosition startsAfter, TimeProvider clock) =>
        SseFrame.ToBytes(frame =>
            Write(
                frame,
                startsAfter.ToString(),
                _named,
                Guid.CreateVersion7(),
                "connected",
                """{"message":"SSE connection established"}"""u8,
                clock.GetUtcNow().WholeMilliseconds().UtcDateTime
            )
        );

    private static void Write(
        SseFrame frame,
        string position,
        bool named,
        Guid id,
        string type,
        ReadOnlySpan<byte> data,
        DateTime time
    )
    {
        var body = new ArrayBufferWriter<byte>(data.Length + 160);
        using (var json = new Utf8JsonWriter(body, FrameJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("id"u8, id);
            json.WriteString("event"u8, type);
            json.WritePropertyName("data"u8);
            json.WriteRawValue(data, skipInputValidation: true);
            json.WriteString("timestamp"u8, time);
            json.WriteEndObject();
        }
        frame.Id(position);
        if (named)
            frame.Event(type);
        frame.Data(body.WrittenSpan).End();
    }
}
