using System.Text;
using EventStore;

namespace Core.EventStore;

public class RelayFormatTests
{
    private static readonly RelayPage Page = new("epoch", 3, 6, 9, Sent: long.MaxValue);

    [Fact]
    public void A_page_is_read_as_it_was_written()
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
                Topic = "z",
                Data = "\"}]\""u8.ToArray(),
                TraceParent = "00-b4594c970f7afcf777e1ecbc884c192d-9d657c5aa82a6962-01",
            },
            Event(9) with
            {
                Data = default,
            },
        ];

        var read = Through(Page with { TraceParent = "tp" }, events);

        Assert.Equal(["a", "z"], read.FirstTokens!);
        Assert.Equal(Page with { TraceParent = "tp" }, Header(read));
        Assert.Equal(Header(events), Header(read.ReadEvents()));
        Assert.Equal(Data(events), Data(read.ReadEvents()));
    }

    [Fact]
    public void A_heartbeat_is_a_page_without_events()
    {
        var read = Through(Page with { Previous = 9 }, []);
        Assert.Empty(read.FirstTokens!);
        Assert.True(read.Events.IsEmpty);
        Assert.Equal(9, read.Last);
    }

    [Theory]
    [InlineData(FirstTokens.Most, false)]
    [InlineData(FirstTokens.Most + 1, true)]
    public void A_page_of_many_topics_does_not_name_them(int tokens, bool areTooMany)
    {
        var events = Enumerable.Range(7, tokens).Select(n => Event(n) with { Topic = $"t{n}.x" }).ToList();
        var read = Through(Page with { Last = events[^1].Position }, events);
        Assert.Equal(areTooMany, read.FirstTokens is null);
        Assert.Equal(tokens, read.ReadEvents().Count);
    }

    /// <summary>64 levels are accepted over HTTP, any number by the outbox.</summary>
    [Theory]
    [InlineData(63)]
    [InlineData(1_000)]
    public void Data_that_nest_deeply_come_out_as_they_went_in(int levels)
    {
        var data = new string('[', levels) + new string(']', levels);
        var sent = Event(9) with { Data = Encoding.UTF8.GetBytes(data) };
        var read = Assert.Single(Through(Page, [sent]).ReadEvents());
        Assert.Equal(data, Encoding.UTF8.GetString(read.Data.Span));
    }

    [Fact]
    public void A_page_that_contradicts_itself_is_refused()
    {
        Assert.All(
            new (RelayPage Page, EventRecord[] Events)[]
            {
                (Page, [Event(6), Event(9)]),
                (Page, [Event(8), Event(7), Event(9)]),
                (Page, [Event(10)]),
                (Page, [Event(8)]),
                (Page, []),
                (Page with { Previous = 9 }, [Event(9)]),
                (Page with { Previous = 10 }, [Event(9)]),
                (Page with { Epoch = "" }, [Event(9)]),
            },
            bad => Assert.Throws<InvalidDataException>(() => Through(bad.Page, bad.Events).ReadEvents())
        );

        // Its header hides an event from the readers who need it.
        var hidden = Through(Page, [Event(9)]) with
        {
            FirstTokens = ["z"],
        };
        Assert.Throws<InvalidDataException>(hidden.ReadEvents);
    }

    [Fact]
    public void A_message_of_another_version_is_refused_and_says_what_to_do()
    {
        var bytes = RelayFormat.ToBytes(Page, [Event(9)]);
        bytes[0]--;
        var error = Assert.Throws<InvalidDataException>(() => RelayFormat.Parse(bytes));
        Assert.Contains("same release", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_end_early_are_no_message()
    {
        var bytes = RelayFormat.ToBytes(Page, [Event(9)]);
        for (var length = 0; length < bytes.Length; length++)
            Assert.ThrowsAny<Exception>(() => RelayFormat.Parse(bytes.AsMemory(0, length)).ReadEvents());
    }

    private static RelayPage Through(RelayPage page, IReadOnlyList<EventRecord> events) =>
        RelayFormat.Parse(RelayFormat.ToBytes(page, events));

    private static RelayPage Header(RelayPage page) => page with { FirstTokens = Page.FirstTokens, Events = default };

    private static IEnumerable<EventRecord> Header(IEnumerable<EventRecord> events) =>
        events.Select(e => e with { Data = default });

    private static IEnumerable<string> Data(IEnumerable<EventRecord> events) =>
        events.Select(e => Encoding.UTF8.GetString(e.Data.Span));

    private static EventRecord Event(long position) =>
        new()
        {
            At = new StreamPosition(Page.Epoch, position),
            Id = Guid.NewGuid(),
            Topic = "a.b",
            Type = "t",
            Data = "1"u8.ToArray(),
            Time = DateTimeOffset.UtcNow,
        };
}
