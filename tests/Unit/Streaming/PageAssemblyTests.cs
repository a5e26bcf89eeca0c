using EventStore;
using Streaming.Feed;

namespace Unit.Streaming;

public class PageAssemblyTests
{
    private const int Limit = 100;

    private readonly PageAssembly _assembly = new(maxBytes: 1_000);
    private readonly List<int> _lost = [];

    [Fact]
    public void The_bodies_of_a_page_are_put_into_the_order_of_the_log()
    {
        _assembly.Add(Body(1, 0, 4, 2, 4), 10);
        _assembly.Add(Index(0, 4, 1, 2), Set(1, 2), Limit);
        Assert.Null(Next());
        _assembly.Add(Body(2, 0, 4, 1, 3), 10);
        var page = Next()!;
        Assert.Equal([1, 2, 3, 4], page.Events.Select(e => e.Position));
        Assert.Equal((false, null, 20), (page.IsIncomplete, page.Missing, page.Bytes));
        Assert.Null(Next());
        Assert.Equal(0, _assembly.Bytes);
    }

    [Fact]
    public void A_page_does_not_overtake_the_one_before_it()
    {
        _assembly.Add(Index(0, 1, 1), Set(1), Limit);
        _assembly.Add(Body(1, 1, 2, 2), 10);
        _assembly.Add(Index(1, 2, 1), Set(1), Limit);
        Assert.Null(Next());
        _assembly.Add(Body(1, 0, 1, 1), 10);
        Assert.Equal(1, Next()!.Page!.Last);
        Assert.Equal(2, Next()!.Page!.Last);
    }

    [Fact]
    public void A_page_without_a_due_body_is_incomplete()
    {
        _assembly.Add(Body(2, 0, 2, 2), 10);
        _assembly.Add(Index(0, 2, 1, 2), Set(1, 2), Limit);
        Assert.Null(Next(Limit - 1));
        var page = Next(Limit)!;
        Assert.True(page.IsIncomplete);
        Assert.Equal([1], _lost);
        Assert.True(page.Missing!.Contains(1) && !page.Missing.Contains(2));
        Assert.Equal([2], page.Events.Select(e => e.Position));
        // A page that has been handed on accepts no late body.
        _assembly.Add(Body(1, 0, 2, 1), 10);
        Assert.Equal(0, _assembly.Bytes);
    }

    [Fact]
    public void A_body_that_cannot_arrive_is_not_awaited()
    {
        _assembly.Add(Index(0, 1, 1), Set(1), Limit);
        Assert.True(_assembly.Next(0, _ => true, _lost)!.IsIncomplete);
    }

    [Fact]
    public void A_slot_that_is_not_due_is_missing_unless_its_body_arrived()
    {
        _assembly.Add(Body(3, 0, 3, 3), 10);
        _assembly.Add(Index(0, 3, 1, 2, 3), Set(), Limit);
        var page = Next()!;
        Assert.False(page.IsIncomplete);
        Assert.Equal([1, 2], Enumerable.Range(0, 256).Where(page.Missing!.Contains));
        Assert.Equal([3], page.Events.Select(e => e.Position));
    }

    [Fact]
    public void A_body_of_a_deposed_leader_is_not_taken_for_the_new_ones()
    {
        var deposed = Body(1, 0, 1, 1);
        _assembly.Add(deposed with { Page = deposed.Page with { Fence = 6 } }, 10);
        _assembly.Add(Index(0, 1, 1), Set(1), Limit);
        Assert.Null(Next());
        _assembly.Add(Body(1, 0, 1, 1), 10);
        Assert.NotNull(Next());
        Assert.Equal(0, _assembly.Bytes);
    }

    [Fact]
    public void Bodies_without_an_index_are_bounded_in_bytes_and_the_oldest_leave_first()
    {
        for (var n = 0; n < 10; n++)
            _assembly.Add(Body(1, n, n + 1, n + 1), 300);
        Assert.Equal(900, _assembly.Bytes);
        _assembly.Add(Index(9, 10, 1), Set(1), Limit);
        Assert.False(Next()!.IsIncomplete);
        Assert.Equal(0, _assembly.Bytes);
    }

    [Fact]
    public void A_heartbeat_stays_in_its_place_and_says_which_slots_have_gone_on()
    {
        _assembly.Add(Index(0, 1, 1), Set(1), Limit);
        var heads = new long[256];
        (heads[1], heads[2]) = (1, 5);
        _assembly.Add(new Heartbeat(new RelayPage("e", 7, 5, 5), 1, heads));
        Assert.Null(Next());
        Assert.NotNull(Next(Limit));
        var heartbeat = Next()!;
        Assert.Equal([2], Enumerable.Range(0, 256).Where(heartbeat.MissingAfter(1)!.Contains));
        Assert.Null(heartbeat.MissingAfter(5));
    }

    private FeedMessage? Next(long now = 0) => _assembly.Next(now, _ => false, _lost);

    private static SlotSet Set(params int[] slots)
    {
        var set = new SlotSet(256);
        foreach (var slot in slots)
            set.Add(slot);
        return set;
    }

    private static PageIndex Index(long previous, long last, params int[] slots) =>
        new(new RelayPage("e", 7, previous, last), 1, Set(slots));

    private static SlotBody Body(int slot, long previous, long last, params long[] positions) =>
        new(
            new RelayPage("e", 7, previous, last),
            slot,
            [
                .. positions.Select(p => new EventRecord(
                    p,
                    Guid.NewGuid(),
                    "t",
                    "t",
                    null,
                    "1"u8.ToArray(),
                    DateTimeOffset.UtcNow,
                    null
                )),
            ],
            null
        );
}
