using EventStore;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Opening;

namespace Core.Streaming;

public class StartDecisionTests
{
    private static readonly StreamPosition Settled = new("e1", 100);

    /// <summary>e1 continues e0 up to position 60.</summary>
    private static readonly Lineage Current = Lineage.Of("e1", [new("e1", "e0", 60), new("e0", null, 0)]);
    private static readonly StreamFilter Everything = new([], [], [], EnvelopeFormat.Instance);

    /// <param name="last">The client's id, or null if it sent none.</param>
    /// <param name="stored">The store's head, or null if the store did not answer.</param>
    /// <param name="asks">True if this replica, which has everything up to e1-100, must ask the store.</param>
    /// <param name="start">The id of the greeting, the position from which the stream reads, and the head, or null if a
    /// later answer of the store must decide.</param>
    [Theory]
    [InlineData(null, "e1-120", true, "Fresh e1-120 e1-120 e1-120")]
    [InlineData(null, null, true, "Fresh e1-100 e1-100 e1-100")]
    [InlineData("e1-1", null, false, "Resumed e1-1 e1-1 e1-100")]
    [InlineData("e1-100", null, false, "Resumed e1-100 e1-100 e1-100")]
    [InlineData("e0-60", null, false, "Resumed e0-60 e1-60 e1-100")] // the epochs share it
    [InlineData("e1-110", "e1-120", true, "Resumed e1-110 e1-110 e1-120")]
    [InlineData("e1-130", null, true, "Resumed e1-130 e1-130 e1-130")] // believed, as another replica may be ahead
    [InlineData("e1-130", "e0-70", true, "Resumed e1-130 e1-130 e1-130")] // a former primary does not decide
    [InlineData("e1-130", "e1-120", true, "Resync Future e1-130 e1-120 e1-120")]
    [InlineData("e0-61", "e1-120", true, "Resync Epoch e0-61 e1-120 e1-120")]
    [InlineData("e0-61", null, true, "Resync Epoch e0-61 e1-100 e1-100")]
    [InlineData("other-5", "e1-120", true, "Resync Epoch other-5 e1-120 e1-120")]
    [InlineData("e2-5", null, true, null)] // the store may have just begun it
    [InlineData("e2-5", "e0-70", true, null)]
    [InlineData("e2-5", "e2-120", true, null)]
    public void The_id_and_the_head_of_the_store_decide_where_a_stream_starts(
        string? last,
        string? stored,
        bool asks,
        string? start
    )
    {
        AssertStart(start, last is null ? Fresh() : After(Id(last)));
        // The application's own start is looked for as a client's id is.
        if (last is not null)
            AssertStart(
                start?.Replace("Resumed", "Fresh", StringComparison.Ordinal),
                Fresh() with
                {
                    StartAfter = Id(last),
                }
            );

        void AssertStart(string? expected, StreamRequest request)
        {
            Assert.Equal(asks, StartDecision.WithoutStore(request, Settled, Current) is null);
            var found = StartDecision.WithStore(request, Settled, Current, stored is null ? null : Id(stored));
            Assert.Equal(expected, found is { } at ? $"{Decision(at)} {at.After} {at.From} {at.Head}" : null);
        }

        static string Decision(StartDecision at) =>
            at.Kind is StartKind.Resync ? $"{at.Kind} {at.Reason}" : $"{at.Kind}";
    }

    [Fact]
    public void An_id_is_resumed_at_its_own_position_or_resynced_to_the_head_whatever_the_store_answers()
    {
        StreamPosition?[] heads = [null, new("e0", 70), new("e1", 90), new("e1", 100), new("e1", 120), new("e2", 120)];
        foreach (var settled in (StreamPosition[])[new("e1", 50), Settled])
        foreach (var stored in heads)
        foreach (var epoch in (string[])["e0", "e1", "e2"])
            for (var position = 0; position <= 130; position++)
            {
                var last = new StreamPosition(epoch, position);
                var start = StartDecision.WithStore(After(last), settled, Current, stored);
                var newest = stored is { Epoch: "e1" } read
                    ? Math.Max(read.Position, settled.Position)
                    : settled.Position;
                var isShared = epoch == "e1" || (epoch == "e0" && position <= 60);
                // Ahead of this replica an id is an error only if the store says so.
                var isKnown = isShared && (position <= newest || stored is not { Epoch: "e1" or "e2" });

                if (start is not { } found)
                {
                    Assert.True(epoch == "e2" && stored is not { Epoch: "e1" }, $"{last}: not decided");
                    continue;
                }

                Assert.Equal((last, isKnown), (found.After, found.Kind is StartKind.Resumed));
                Assert.Equal(new StreamPosition("e1", isKnown ? position : newest), found.From);

                // The replica alone decides the same, or nothing.
                if (StartDecision.WithoutStore(After(last), settled, Current) is { } alone)
                    Assert.Equal((found.After, found.From, found.Kind), (alone.After, alone.From, alone.Kind));
            }
    }

    [Theory]
    [InlineData(null, ResyncReason.Malformed)]
    [InlineData(ResyncReason.Future, ResyncReason.Future)]
    internal void An_invalid_id_starts_at_the_head_or_at_the_finite_streams_beginning(
        ResyncReason? ordinal,
        ResyncReason reason
    )
    {
        var request = Fresh() with { Last = new LastEventId("abc", null), Ordinal = ordinal };
        Assert.Null(StartDecision.WithoutStore(request, Settled, Current));
        Assert.Equal(reason, At(request).Reason);

        var finite = request with { ResyncAfter = new StreamPosition("e1", 3) };
        Assert.Equal(3, At(finite).From.Position);

        static StartDecision At(StreamRequest request) =>
            StartDecision.WithStore(request, Settled, Current, stored: null)!.Value;
    }

    [Fact]
    public void An_ordinal_that_has_expired_starts_at_the_oldest_event_and_says_so()
    {
        var request = Fresh() with
        {
            Last = new LastEventId("5", null),
            StartAfter = new StreamPosition("e1", 3),
            Ordinal = ResyncReason.Expired,
        };
        var start = StartDecision.WithoutStore(request, Settled, Current)!.Value;
        Assert.Equal(
            (StartKind.Resync, ResyncReason.Expired, 3, 3),
            (start.Kind, start.Reason, start.After.Position, start.From.Position)
        );
    }

    private static StreamPosition Id(string text) =>
        StreamPosition.TryParse(text, out var id) ? id : throw new FormatException(text);

    private static StreamRequest Fresh() => new(Everything, default);

    private static StreamRequest After(StreamPosition last) => new(Everything, new LastEventId("sent", last));
}
