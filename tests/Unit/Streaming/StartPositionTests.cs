using EventStore;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Opening;

namespace Unit.Streaming;

public class StartPositionTests
{
    private static readonly StreamId Settled = new("e1", 100);

    /// <summary>e1 continues e0 up to position 60.</summary>
    private static readonly Lineage Current = Lineage.Of("e1", [new("e1", "e0", 60), new("e0", null, 0)]);
    private static readonly StreamFilter Everything = new([], [], [], EnvelopeFormat.Instance);

    [Fact]
    public void Without_an_id_a_stream_starts_at_the_head_that_the_store_has()
    {
        Assert.Null(StartPosition.WithoutStore(Fresh(), Settled, Current));
        var start = At(Fresh(), Settled, stored: new StreamId("e1", 120));
        Assert.Equal((120, StartKind.Fresh), (start.From.Position, start.Kind));
    }

    [Fact]
    public void Without_an_answer_of_the_store_the_replicas_own_head_counts()
    {
        var start = At(Fresh(), Settled, stored: null);
        Assert.Equal((Settled, Settled), (start.Head, start.From));
    }

    [Fact]
    public void A_given_start_needs_no_store() =>
        Assert.Equal(
            new StreamId("e1", 7),
            StartPosition
                .WithoutStore(Fresh() with { StartAfter = new StreamId("e1", 7) }, Settled, Current)!
                .Value.From
        );

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void An_id_that_this_replica_has_passed_is_resumed_without_the_store(long position)
    {
        var start = StartPosition.WithoutStore(After("e1", position), Settled, Current);
        Assert.Equal((position, StartKind.Resumed), (start!.Value.From.Position, start.Value.Kind));
    }

    [Fact]
    public void An_id_ahead_of_this_replica_is_resumed_where_the_store_has_it()
    {
        Assert.Null(StartPosition.WithoutStore(After("e1", 110), Settled, Current));
        var start = At(After("e1", 110), Settled, new StreamId("e1", 120));
        Assert.Equal((110, 120, StartKind.Resumed), (start.From.Position, start.Head.Position, start.Kind));
    }

    [Fact]
    public void An_id_beyond_the_head_resyncs_with_reason_future()
    {
        var start = At(After("e1", 130), Settled, new StreamId("e1", 120));
        Assert.Equal((StartKind.Resync, ResyncReason.Future, 120), (start.Kind, start.Reason, start.From.Position));
    }

    [Fact]
    public void While_the_store_is_silent_an_id_ahead_of_this_replica_is_believed()
    {
        var start = At(After("e1", 130), Settled, stored: null);
        Assert.Equal((130, StartKind.Resumed), (start.From.Position, start.Kind));
    }

    [Fact]
    public void An_id_of_another_epoch_resyncs_to_the_head()
    {
        var start = At(After("other", 5), Settled, new StreamId("e1", 120));
        Assert.Equal((StartKind.Resync, ResyncReason.Epoch), (start.Kind, start.Reason));
        Assert.Equal((new StreamId("other", 5), new StreamId("e1", 120)), (start.After, start.From));
    }

    [Fact]
    public void An_id_of_a_former_epoch_is_resumed_where_the_epochs_share_it()
    {
        var start = StartPosition.WithoutStore(After("e0", 60), Settled, Current)!.Value;
        Assert.Equal(StartKind.Resumed, start.Kind);
        Assert.Equal((new StreamId("e0", 60), new StreamId("e1", 60)), (start.After, start.From));
        // Ahead of this replica, which will reach that position.
        var ahead = At(After("e0", 60), Settled with { Position = 50 }, stored: null);
        Assert.Equal((StartKind.Resumed, new StreamId("e1", 60)), (ahead.Kind, ahead.From));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_id_of_a_former_epoch_beyond_the_shared_positions_gets_a_resync(bool storeAnswers)
    {
        Assert.Null(StartPosition.WithoutStore(After("e0", 61), Settled, Current));
        var start = At(After("e0", 61), Settled, storeAnswers ? new StreamId("e1", 120) : null);
        Assert.Equal((StartKind.Resync, ResyncReason.Epoch), (start.Kind, start.Reason));
    }

    [Fact]
    public void The_head_of_a_former_primary_does_not_decide_about_an_id_ahead_of_this_replica()
    {
        var start = At(After("e1", 130), Settled, new StreamId("e0", 70));
        Assert.Equal((130, StartKind.Resumed), (start.From.Position, start.Kind));
        Assert.Null(StartPosition.WithStore(After("e2", 5), Settled, Current, new StreamId("e0", 70)));
    }

    [Fact]
    public void An_id_of_an_unknown_epoch_waits_for_the_store()
    {
        Assert.Null(StartPosition.WithStore(After("e2", 5), Settled, Current, stored: null));
        Assert.Null(StartPosition.WithStore(After("e2", 5), Settled, Current, new StreamId("e2", 120)));
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
        Assert.Null(StartPosition.WithoutStore(request, Settled, Current));
        Assert.Equal(reason, At(request, Settled, stored: null).Reason);
        var finite = request with { ResyncAfter = new StreamId("e1", 3) };
        Assert.Equal(3, At(finite, Settled, stored: null).From.Position);
    }

    [Fact]
    public void An_ordinal_that_has_expired_starts_at_the_oldest_event_and_says_so()
    {
        var request = Fresh() with
        {
            Last = new LastEventId("5", null),
            StartAfter = new StreamId("e1", 3),
            Ordinal = ResyncReason.Expired,
        };
        var start = StartPosition.WithoutStore(request, Settled, Current)!.Value;
        Assert.Equal(
            (StartKind.Resync, ResyncReason.Expired, 3, 3),
            (start.Kind, start.Reason, start.After.Position, start.From.Position)
        );
    }

    private static StartPosition At(StreamRequest request, StreamId settled, StreamId? stored) =>
        StartPosition.WithStore(request, settled, Current, stored)!.Value;

    private static StreamRequest Fresh() => new(Everything, default);

    private static StreamRequest After(string epoch, long position) =>
        new(Everything, new LastEventId("sent", new StreamId(epoch, position)));
}
