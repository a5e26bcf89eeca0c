using System.Text;
using EventStore;
using Slots = Unit.Streaming.Slots;

namespace Unit.EventStore;

public class RelayFormatTests
{
    private static readonly RelayFormat Format = new(Slots.Default);
    private static readonly RelayPage Page = new("epoch", 3, 6, 9);

    [Fact]
    public void A_body_is_read_as_it_was_written()
    {
        EventRecord[] events =
        [
            Event(7) with
            {
                Type = "type \"x\"",
                Key = "鍵😀",
                Data = Encoding.UTF8.GetBytes("""{"n":[1,2,{"x":null}]}"""),
            },
            Event(8) with
            {
                Topic = "a",
                Data = "\"}]\""u8.ToArray(),
                TraceParent = "00-b4594c970f7afcf777e1ecbc884c192d-9d657c5aa82a6962-01",
            },
            Event(9) with
            {
                Data = default,
            },
        ];
        var sent = new SlotBody(Page, Slots.Default.Of("a"), events, "tp");
        var read = Assert.IsType<SlotBody>(Through(sent));
        Assert.Equal((sent.Page, sent.Slot, "tp"), (read.Page, read.Slot, read.TraceParent));
        Assert.Equal(events.Select(e => e with { Data = default }), read.Events.Select(e => e with { Data = default }));
        Assert.Equal(
            events.Select(e => Encoding.UTF8.GetString(e.Data.Span)),
            read.Events.Select(e => Encoding.UTF8.GetString(e.Data.Span))
        );
    }

    /// <summary>64 levels are accepted over HTTP, any number by the outbox.</summary>
    [Theory]
    [InlineData(63)]
    [InlineData(1_000)]
    public void Data_that_nest_deeply_come_out_as_they_went_in(int levels)
    {
        var data = new string('[', levels) + new string(']', levels);
        var sent = new SlotBody(
            Page,
            Slots.Default.Of("a"),
            [Event(7) with { Data = Encoding.UTF8.GetBytes(data) }],
            null
        );
        var read = Assert.Single(Assert.IsType<SlotBody>(Through(sent)).Events);
        Assert.Equal(data, Encoding.UTF8.GetString(read.Data.Span));
    }

    [Fact]
    public void An_index_says_which_slots_have_events()
    {
        var slots = new SlotSet(256);
        foreach (var slot in (int[])[0, 7, 8, 64, 255])
            slots.Add(slot);
        var read = Assert.IsType<PageIndex>(Through(new PageIndex(Page, long.MaxValue, slots)));
        Assert.Equal((Page, long.MaxValue), (read.Page, read.Sent));
        Assert.Equal([0, 7, 8, 64, 255], Enumerable.Range(0, 256).Where(read.Slots.Contains));
        // With its signature and Redis's framing, an index costs a replica little over a hundred bytes.
        Assert.InRange(Format.ToBytes(read).Length, 1, 64);
    }

    [Fact]
    public void A_heartbeat_says_where_each_slot_ends()
    {
        var heads = Enumerable.Range(0, 256).Select(n => (long)n).ToArray();
        var heartbeat = new Heartbeat(Page with { Previous = 255, Last = 255 }, 5, heads);
        var read = Assert.IsType<Heartbeat>(Through(heartbeat));
        Assert.Equal((heartbeat.Page, 5L), (read.Page, read.Sent));
        Assert.Equal(heads, read.Heads);
    }

    [Fact]
    public void A_heartbeat_names_the_placement_after_all_that_older_versions_read()
    {
        var heads = Enumerable.Range(0, 256).Select(n => (long)n).ToArray();
        var older = new Heartbeat(Page with { Previous = 255, Last = 255 }, 5, heads);
        var newer = older with { Placement = ulong.MaxValue - 1 };
        Assert.Null(Assert.IsType<Heartbeat>(Through(older)).Placement);
        Assert.Equal(newer.Placement, Assert.IsType<Heartbeat>(Through(newer)).Placement);
        var bytes = Format.ToBytes(older);
        Assert.Equal([.. bytes, 0xfe, .. Enumerable.Repeat((byte)0xff, 7)], Format.ToBytes(newer));
    }

    [Theory]
    [InlineData(128, 1)]
    [InlineData(256, 2)]
    public void A_message_of_services_that_divide_the_topics_differently_is_refused(int slots, int tokens)
    {
        var other = new RelayFormat(Slots.Of(slots, tokens));
        var bytes = other.ToBytes(new Heartbeat(Page, 1, new long[slots]));
        var error = Assert.Throws<InvalidDataException>(() => Format.Parse(bytes));
        Assert.Contains("EventStore:SlotTokens", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_body_that_contradicts_itself_is_refused()
    {
        var slot = Slots.Default.Of("a");
        Assert.All(
            new SlotBody[]
            {
                new(Page, slot, [Event(6)], null),
                new(Page, slot, [Event(8), Event(7)], null),
                new(Page, slot, [Event(10)], null),
                new(Page, slot, [], null),
                new(Page, slot, [Event(7) with { Topic = "another" }], null),
                new(Page with { Previous = 10 }, slot, [Event(7)], null),
                new(Page with { Epoch = "" }, slot, [Event(7)], null),
            },
            body => Assert.Throws<InvalidDataException>(() => Through(body))
        );
    }

    [Fact]
    public void Bytes_that_end_early_are_no_message()
    {
        foreach (
            var bytes in (byte[][])
                [
                    Format.ToBytes(new PageIndex(Page, 1, SlotSet.All(256))),
                    Format.ToBytes(new Heartbeat(Page, 1, new long[256])),
                    Format.ToBytes(new SlotBody(Page, Slots.Default.Of("a"), [Event(7)], null)),
                ]
        )
            for (var length = 0; length < bytes.Length; length++)
                Assert.ThrowsAny<Exception>(() => Format.Parse(bytes.AsMemory(0, length)));
    }

    private static RelayMessage Through(RelayMessage message) => Format.Parse(Format.ToBytes(message));

    private static EventRecord Event(long position) =>
        new(position, Guid.NewGuid(), "a.b", "t", null, "1"u8.ToArray(), DateTimeOffset.UtcNow, null);
}
