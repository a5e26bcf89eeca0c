using System.Buffers;
using System.Text;
using System.Text.Json;
using EventStore;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Opening;

namespace Core.Streaming;

/// <summary>The frames that clients depend on, byte by byte.</summary>
public sealed class FrameTests
{
    private static readonly StreamPosition At = new("e", 5);
    private static readonly StreamPosition Head = new("e", 9);

    public static TheoryData<string, string> Control =>
        new()
        {
            { Text(ControlFrames.Heartbeat), ": heartbeat\n" },
            { Text(ControlFrames.Retry(3_000)), "event: position\nretry: 3000\ndata: {}\n\n" },
            { Text(ControlFrames.Position(At)), "event: position\ndata: {}\nid: e-5\n\n" },
            {
                Greeted(Greetings.Connected),
                "event: connected\nretry: 3000\n"
                    + """data: {"connectionId":"c1","replica":"r1","epoch":"e","head":"e-9"}"""
                    + "\nid: e-5\n\n"
            },
            { Greeted(Greetings.Begin), "event: begin\nretry: 3000\ndata: {\"type\":\"begin\"}\nid: e-5\n\n" },
            {
                Text(ControlFrames.Resync(ResyncReason.Malformed, "?", At.ToString())),
                "event: resync\n"
                    + """data: {"reason":"malformed","requested":"?","resumedFrom":"e-5"}"""
                    + "\nid: e-5\n\n"
            },
            {
                Text(ControlFrames.Resync(ResyncReason.Expired, null, At.ToString())),
                "event: resync\n"
                    + """data: {"reason":"expired","requested":null,"resumedFrom":"e-5"}"""
                    + "\nid: e-5\n\n"
            },
            {
                // No id: events of the range may still follow.
                Text(ControlFrames.Skipped("e", 5, 9, 3)),
                "event: skipped\n" + """data: {"from":"e-5","to":"e-9","count":3}""" + "\n\n"
            },
            {
                Text(ControlFrames.Unauthorized("replaced", null)),
                "event: unauthorized\n" + """data: {"reason":"replaced","expiresAt":null}""" + "\n\n"
            },
        };

    [Theory]
    [MemberData(nameof(Control))]
    public void A_frame_about_the_stream_itself_is_as_documented(string frame, string documented) =>
        Assert.Equal(documented, frame);

    [Theory]
    [InlineData("connected", true)]
    [InlineData("begin", true)]
    [InlineData("position", true)]
    [InlineData("resync", true)]
    [InlineData("skipped", true)]
    [InlineData("unauthorized", true)]
    [InlineData("error", true)]
    [InlineData("Error", false)]
    [InlineData("message", false)]
    public void Only_the_server_sends_the_types_of_frames_about_the_stream(string type, bool isReserved)
    {
        Assert.Equal(isReserved, ReservedTypes.Include(type));
        Assert.Equal(isReserved, ReservedTypes.Names.Split(", ").Contains(type));
    }

    [Fact]
    public void An_event_is_framed_with_its_type_without_it_or_as_an_envelope()
    {
        var record = Event("created", """{"n":1}""") with { Key = "k", TraceParent = "00-a-b-01" };
        Assert.Equal("event: created\ndata: {\"n\":1}\nid: e-7\n\n", Framed(NamedFormat.Always, record));
        Assert.Equal("data: {\"n\":1}\nid: e-7\n\n", Framed(NamedFormat.Never, record));
        Assert.Equal(
            "event: created\n"
                + """data: {"id":"00000000-0000-0000-0000-000000000000","position":"e-7","topic":"t","""
                + "\"type\":\"created\",\"key\":\"k\",\"data\":{\"n\":1},"
                + "\"time\":\"1970-01-01T00:00:00Z\",\"traceparent\":\"00-a-b-01\"}"
                + "\nid: e-7\n\n",
            Framed(EnvelopeFormat.Instance, record)
        );
    }

    /// <summary>The log of an older version may hold events that are refused today.</summary>
    [Fact]
    public void Of_an_event_that_cannot_be_framed_its_place_is_sent_and_it_is_reported()
    {
        var bad = Event("a\nb", "1");
        var reported = new List<EventRecord>();
        FrameFormat.Unframed += Report;

        try
        {
            Assert.Equal("event: position\ndata: {}\nid: e-7\n\n", Framed(NamedFormat.Always, bad));
        }
        finally
        {
            FrameFormat.Unframed -= Report;
        }

        Assert.Contains(bad, reported);

        void Report(EventRecord record, Exception _) => reported.Add(record);
    }

    /// <summary>An empty chunk would end the body.</summary>
    [Fact]
    public void Of_an_event_that_its_format_leaves_out_the_place_is_sent() =>
        Assert.Equal("event: position\ndata: {}\nid: e-7\n\n", Framed(new NoFormat(), Event("a", "1")));

    private sealed class NoFormat : FrameFormat
    {
        public override void Write(IBufferWriter<byte> output, string id, EventRecord record) { }
    }

    [Theory]
    [InlineData("""{"petId":1}""", """{"type":"stock","petId":1}""")]
    [InlineData("{}", """{"type":"stock"}""")]
    [InlineData("\"word\"", """{"type":"stock","data":"word"}""")]
    [InlineData("[1,2]", """{"type":"stock","data":[1,2]}""")]
    [InlineData("null", """{"type":"stock","data":null}""")]
    [InlineData("""{"event":"own"}""", """{"event":"own"}""")]
    [InlineData("""{"type":"own"}""", """{"type":"own"}""")]
    [InlineData("""{"status":"own"}""", """{"status":"own"}""")]
    public void For_clients_without_names_the_data_carries_the_type_unless_it_has_one(string data, string sent) =>
        Assert.Equal(sent, Text(NamedFormat.WithName("stock", Encoding.UTF8.GetBytes(data))));

    [Theory]
    [InlineData(null, "a", "event: a\ndata: 1\n")]
    [InlineData(null, "b", "data: 1\n")]
    [InlineData(true, "b", "event: b\ndata: 1\n")]
    [InlineData(false, "a", "data: {\"type\":\"a\",\"data\":1}\n")]
    public void The_client_chooses_whether_events_are_named_or_their_data_is(bool? named, string type, string sent)
    {
        var format = NamedFormatChoice.Of(t => t == "a", ["end"], sendsPositions: false).For(named);
        Assert.Equal(sent + "id: e-7\n\n", Framed(format, Event(type, "1")));
        Assert.Equal(
            (true, false, false),
            (format.Ends(Event("end", "1")), format.Ends(Event("a", "1")), format.SendsPositions)
        );
    }

    /// <summary>One event for thousands of connections is serialized once.</summary>
    [Fact]
    public void All_filters_of_a_format_share_the_frame_of_an_event()
    {
        var arrived = new FeedEvent("e", Event("created", "1"));
        var (named, unnamed) = (arrived.Frame(NamedFormat.Always), arrived.Frame(NamedFormat.Never));
        Assert.Same(named, arrived.Frame(NamedFormat.Always));
        Assert.Same(unnamed, arrived.Frame(NamedFormat.Never));
        Assert.Equal((7, "t", "e"), (named.Position, named.Key, named.Epoch));
        Assert.NotEqual(named.Bytes, unnamed.Bytes);
        Assert.Equal("k", new FeedEvent("e", Event("created", "1") with { Key = "k" }).Frame(NamedFormat.Always).Key);
    }

    [Theory]
    [InlineData("日本語 🌱 <b> & 'x' + /", "日本語 🌱 <b> & 'x' + /")]
    [InlineData("\"\\", "\\\"\\\\")]
    [InlineData("\n\r\t\b\f", "\\n\\r\\t\\b\\f")]
    [InlineData("\0\u0001\u001F\u007F", "\\u0000\\u0001\\u001f\\u007f")]
    [InlineData("🌱🌱\"🌱", "🌱🌱\\\"🌱")]
    [InlineData("\uE000\uFFFD", "\uE000\uFFFD")]
    public void JSON_escapes_only_what_it_must(string text, string escaped)
    {
        var json = JsonSerializer.Serialize(text, ReadableJsonEncoder.Web);
        Assert.Equal($"\"{escaped}\"", json);
        Assert.Equal(text, JsonSerializer.Deserialize<string>(json));
    }

    [Fact]
    public void Half_of_a_character_is_replaced_and_the_rest_is_kept()
    {
        (string Text, string Read)[] texts =
        [
            ("a\uD83Cb", "a\uFFFDb"),
            ("🌱\uDF31", "🌱\uFFFD"),
            ("\"\uD83C", "\"\uFFFD"),
        ];
        foreach (var (text, read) in texts)
            Assert.Equal(
                read,
                JsonSerializer.Deserialize<string>(JsonSerializer.Serialize(text, ReadableJsonEncoder.Web))
            );
    }

    private static EventRecord Event(string type, string data) =>
        new()
        {
            At = new StreamPosition("e", 7),
            Id = Guid.Empty,
            Topic = "t",
            Type = type,
            Data = Encoding.UTF8.GetBytes(data),
            Time = DateTimeOffset.UnixEpoch,
        };

    private static string Framed(FrameFormat format, EventRecord record) => Text(format.Frame("e", record));

    private static string Greeted(Greeting greeting)
    {
        var output = new ArrayBufferWriter<byte>();
        greeting(output, At, Head, "c1", "r1", 3_000);
        return Text(output.WrittenSpan);
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
