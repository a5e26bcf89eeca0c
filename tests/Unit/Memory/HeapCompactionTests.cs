using StreamApi.Memory;

namespace Unit.Memory;

public sealed class HeapCompactionTests
{
    private const long Megabyte = 1024 * 1024;

    [Fact]
    public void A_storm_is_compacted_once_when_no_stream_was_opened_for_a_while()
    {
        var compaction = new HeapCompaction(100, 0);
        Assert.Equal(
            [false, false, false, false, true, false, false],
            Storm(compaction, 0, 60, 150, 150, 150, 150, 150)
        );
        Assert.Equal([false, false, false, false, true], Storm(compaction, 249, 249, 249, 249 + 1, 250, 250)[1..]);
    }

    [Fact]
    public void Streams_that_open_and_close_one_by_one_are_no_storm()
    {
        var compaction = new HeapCompaction(100, 0);
        Assert.DoesNotContain(true, Storm(compaction, [.. Enumerable.Range(0, 99).SelectMany(n => (long[])[n, n, n])]));
    }

    [Fact]
    public void Memory_of_a_burst_is_released_when_it_is_over()
    {
        var compaction = new HeapCompaction(0, 100 * Megabyte);
        (long Allocated, long Resident, bool Due)[] looks =
        [
            (10, 200, false),
            (20, 200, false),
            (30, 200, false), // quiet: growth counts from here
            (2_000, 900, false),
            (4_000, 900, false), // the burst
            (4_010, 900, false),
            (4_020, 900, true),
            (4_030, 250, false), // over
            (4_040, 340, false),
            (4_050, 349, false),
            (4_060, 350, true),
        ];
        foreach (var (allocated, resident, due) in looks)
        {
            Assert.Equal(
                (allocated, due),
                (allocated, compaction.IsDue(0, allocated * Megabyte, resident * Megabyte, (int)allocated))
            );
            if (due)
                compaction.Done(0, 250 * Megabyte);
        }
    }

    /// <summary>Compaction stops all threads, up to a tenth of a second with thousands of streams.</summary>
    [Fact]
    public void A_server_with_work_and_garbage_that_the_next_collection_frees_are_not_compacted()
    {
        var compaction = new HeapCompaction(0, 100 * Megabyte);

        for (var look = 0; look < 100; look++)
            Assert.False(compaction.IsDue(0, 3 * look * Megabyte, (200 + 3 * look) * Megabyte, collections: 7));

        for (var look = 100; look < 120; look++)
            Assert.False(compaction.IsDue(0, 20 * look * Megabyte, 900 * Megabyte, look));

        Assert.False(compaction.IsDue(0, 2_390 * Megabyte, 900 * Megabyte, 120));
        Assert.True(compaction.IsDue(0, 2_400 * Megabyte, 900 * Megabyte, 120));
    }

    /// <summary>Else what clients held that did not read stays after them, because nothing grows any more.</summary>
    [Fact]
    public void Memory_that_was_in_use_at_the_compaction_is_released_soon_after_its_use()
    {
        var compaction = new HeapCompaction(0, 100 * Megabyte);
        var resident = 200L;
        var live = 200L;
        var due = new List<int>();

        for (var look = 0; look < 200; look++)
        {
            if (look == 10)
            {
                resident = 400;
                live = 400;
            }

            if (look == 20)
                live = 210;
            if (!compaction.IsDue(0, look * Megabyte, resident * Megabyte, look))
                continue;

            due.Add(look);
            resident = live;
            compaction.Done(0, resident * Megabyte);
        }

        Assert.Equal(210, resident);
        Assert.InRange(due.Count, 2, 4);
        Assert.InRange(due[^1], 20, 30);
    }

    [Fact]
    public void Memory_that_stays_in_use_is_compacted_a_few_times_only()
    {
        var compaction = new HeapCompaction(0, 100 * Megabyte);
        var due = 0;
        for (var look = 0; look < 1_000; look++)
        {
            var resident = (look < 10 ? 200 : 400) * Megabyte;
            if (!compaction.IsDue(0, look * Megabyte, resident, look))
                continue;
            due++;
            compaction.Done(0, resident);
        }

        Assert.Equal(4, due);
    }

    [Fact]
    public void Nothing_is_compacted_where_that_is_switched_off()
    {
        var compaction = new HeapCompaction(0, 0);
        Assert.DoesNotContain(true, Storm(compaction, 0, 10_000, 10_000, 10_000, 10_000));
        Assert.False(compaction.IsDue(10_000, 0, 10_000 * Megabyte, 0));
    }

    private static bool[] Storm(HeapCompaction compaction, params long[] opened) =>
        [
            .. opened.Select(o =>
            {
                var due = compaction.IsDue(o, 0, 0, 0);
                if (due)
                    compaction.Done(o, 0);
                return due;
            }),
        ];
}
