using EventStore;

namespace Core.EventStore;

/// <summary>Requests that wait for a group commit: bounded in bytes, and fair between publishers.</summary>
public sealed class AppendQueueTests
{
    private const int Kilobyte = 1024,
        Bound = 1024 * Kilobyte;

    [Fact]
    public void A_small_publish_does_not_wait_behind_another_publishers_bulk()
    {
        var queue = new AppendQueue(Bound);
        for (var i = 0; i < 5; i++)
            queue.Add(Request("bulk", 100 * Kilobyte));
        Assert.Equal("bulk", queue.Take()!.Publisher);
        queue.Add(Request("small", 1 * Kilobyte));
        queue.Add(Request("small", 1 * Kilobyte));
        Assert.Equal(["small", "small", "bulk", "bulk", "bulk", "bulk"], Drain(queue).Select(r => r.Publisher));
    }

    [Fact]
    public void A_bulk_is_not_kept_from_its_turn_by_many_small_publishes()
    {
        var queue = new AppendQueue(Bound);
        queue.Add(Request("bulk", 20 * Kilobyte));
        var taken = 0;
        for (string? publisher = null; publisher != "bulk"; taken++)
        {
            queue.Add(Request("small", 1 * Kilobyte));
            publisher = queue.Take()!.Publisher;
            Assert.InRange(taken, 0, 100);
        }
    }

    [Fact]
    public void Requests_of_one_publisher_keep_their_order()
    {
        var queue = new AppendQueue(Bound);
        int[] sizes = [9, 1, 5, 1, 30, 2, 1];
        foreach (var size in sizes)
        {
            queue.Add(Request("one", size * Kilobyte));
            queue.Add(Request("other", 3 * Kilobyte));
        }
        Assert.Equal(sizes, Drain(queue).Where(r => r.Publisher == "one").Select(r => (int)r.DataBytes / Kilobyte));
    }

    [Fact]
    public void The_queue_is_bounded_in_bytes_and_refuses_its_largest_publisher_first()
    {
        var queue = new AppendQueue(Bound);
        var admitted = Fill(queue, "bulk", 50 * Kilobyte);
        Assert.InRange(admitted, 9, 10); // a character takes two bytes
        queue.Add(Request("small", 1 * Kilobyte));
        Assert.Throws<AppendQueueFullException>(() => queue.Add(Request("bulk", 50 * Kilobyte)));
        for (var i = 0; i < 1_000; i++)
            Fill(queue, $"another {i}", 4 * Kilobyte);
        Assert.InRange(queue.Bytes, Bound, 2 * Bound);

        Drain(queue);
        Assert.Equal(0, queue.Bytes);
        Assert.Equal(admitted, Fill(queue, "bulk", 50 * Kilobyte));
    }

    [Fact]
    public void A_request_larger_than_the_bound_is_accepted_by_an_empty_queue()
    {
        var queue = new AppendQueue(Bound);
        queue.Add(Request("large", Bound));
        Assert.Equal("large", queue.Take()!.Publisher);
    }

    [Fact]
    public void After_the_end_nothing_is_taken_in()
    {
        var queue = new AppendQueue(Bound);
        queue.Add(Request("one", Kilobyte));
        Assert.Single(queue.Close());
        Assert.Throws<StoreUnavailableException>(() => queue.Add(Request("one", Kilobyte)));
    }

    private static int Fill(AppendQueue queue, string publisher, int size)
    {
        for (var admitted = 0; ; admitted++)
        {
            try
            {
                queue.Add(Request(publisher, size));
            }
            catch (AppendQueueFullException)
            {
                return admitted;
            }
        }
    }

    private static List<EventAppender.Request> Drain(AppendQueue queue)
    {
        var taken = new List<EventAppender.Request>();
        while (queue.Take() is { } request)
            taken.Add(request);
        return taken;
    }

    private static EventAppender.Request Request(string publisher, int bytes) =>
        new([new NewEvent("t", "n", new string('x', bytes))], publisher);
}
