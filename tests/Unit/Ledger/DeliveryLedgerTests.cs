using Measuring.Ledger;

namespace Unit.Ledger;

public class DeliveryLedgerTests
{
    private readonly DeliveryLedger ledger = new();

    [Fact]
    public void Events_received_once_and_in_order_are_no_fault()
    {
        var (a, b) = (Publish("a", 100), Publish("b", 50));
        foreach (var name in new[] { "r1", "r2" })
        {
            var reader = ledger.AddReader(name);
            for (var n = 1; n <= 100; n++)
            {
                reader.Receive(a.Number, n);
                if (n <= 50)
                    reader.Receive(b.Number, n);
            }
        }
        var report = ledger.Report();
        Assert.True(report.Clean);
        Assert.Equal((150, 300), (report.Acknowledged, report.Received));
        Assert.StartsWith(
            "clean: 2 publishers, 150 acknowledged; 2 readers, 300 received; 0 lost, 0 duplicates, 0 reordered",
            report.ToString()
        );
    }

    [Fact]
    public void A_planted_loss_is_found()
    {
        var (report, reader) = Read(10, [1, 2, 3, 6, 7, 8, 9, 10]);
        Assert.Equal((2, 0, 0), (report.Lost, report.Duplicates, report.Reordered));
        Assert.Equal(["orders#4-5 at e-4"], reader.Lost.Examples);
        Assert.StartsWith("NOT CLEAN", report.ToString());
        Assert.Contains("r: 8 received, 2 (orders#4-5 at e-4) lost", report.ToString());
    }

    [Fact]
    public void A_missing_end_is_a_loss_and_so_is_everything()
    {
        Assert.Equal(["orders#9-10 at e-9"], Read(10, [1, 2, 3, 4, 5, 6, 7, 8]).Reader.Lost.Examples);
        Assert.Equal(["orders#1-10 at e-1"], Read(10, []).Reader.Lost.Examples);
    }

    [Fact]
    public void A_planted_double_is_found()
    {
        var (report, reader) = Read(5, [1, 2, 3, 2, 4, 5, 5]);
        Assert.Equal((0, 2, 0), (report.Lost, report.Duplicates, report.Reordered));
        Assert.Equal(["orders#2 at e-2", "orders#5 at e-5"], reader.Duplicates.Examples);
    }

    [Fact]
    public void A_planted_swap_is_found()
    {
        var (report, reader) = Read(5, [1, 3, 2, 4, 5]);
        Assert.Equal((0, 0, 1), (report.Lost, report.Duplicates, report.Reordered));
        Assert.Equal(["orders#2 at e-2"], reader.Reordered.Examples);
    }

    [Fact]
    public void An_event_that_came_late_and_twice_counts_as_both()
    {
        var (report, _) = Read(5, [1, 4, 3, 3, 2, 5]);
        Assert.Equal((0, 1, 2), (report.Lost, report.Duplicates, report.Reordered));
    }

    [Fact]
    public void An_unacknowledged_event_cannot_be_lost_but_can_be_doubled()
    {
        var publisher = ledger.AddPublisher("p");
        for (var i = 0; i < 4; i++)
            publisher.Next();
        publisher.Acknowledge(1);
        publisher.Acknowledge(3);
        var reader = ledger.AddReader("r");
        foreach (var n in new[] { 1, 3, 4, 4 })
            reader.Receive(publisher.Number, n);
        Assert.Equal((0, 1), (ledger.Report().Lost, ledger.Report().Duplicates));
    }

    [Fact]
    public void A_received_event_that_was_never_published_is_unknown()
    {
        var publisher = Publish("p", 3);
        var other = Publish("other", 3);
        var reader = ledger.AddReader("r", publisher);
        for (var n = 1; n <= 4; n++)
            reader.Receive(publisher.Number, n);
        reader.Receive(99, 1);
        reader.Receive(other.Number, 1);
        Assert.Equal((3, 0), (ledger.Report().Unknown, ledger.Report().Lost));
        Assert.False(ledger.Report().Clean);
    }

    [Fact]
    public void A_late_reader_must_receive_the_events_after_its_declared_start()
    {
        var publisher = Publish("p", 10);
        var late = ledger.AddReader("late");
        late.ExpectFromNow();
        for (var i = 0; i < 10; i++)
            publisher.Acknowledge(publisher.Next());
        foreach (var n in new[] { 10, 11, 12, 14, 15, 16, 17, 18, 19, 20 })
            late.Receive(publisher.Number, n);
        var resumed = ledger.AddReader("resumed");
        resumed.ExpectFrom(publisher, 16);
        for (var n = 17; n <= 20; n++)
            resumed.Receive(publisher.Number, n);
        Assert.Equal(["p#13", "p#16"], ledger.Report().Readers.SelectMany(r => r.Lost.Examples));
    }

    [Fact]
    public void A_resync_excuses_earlier_missing_events_but_no_later_ones()
    {
        var publisher = Publish("p", 10);
        var reader = ledger.AddReader("r");
        foreach (var n in new[] { 1, 2, 4 })
            reader.Receive(publisher.Number, n);
        reader.ExcuseMissing();
        for (var i = 0; i < 5; i++)
            publisher.Acknowledge(publisher.Next());
        foreach (var n in new[] { 9, 10, 11, 13, 14, 15 })
            reader.Receive(publisher.Number, n);
        var account = ledger.Report().Readers.Single();
        Assert.Equal(["p#12"], account.Lost.Examples);
        Assert.Equal(5, account.Excused);
    }

    [Fact]
    public void An_account_of_nothing_is_not_clean()
    {
        Assert.False(ledger.Report().Clean);
        ledger.AddReader("r");
        Publish("p", 3);
        Assert.Equal(3, ledger.MissingNow);
        Assert.StartsWith("NOTHING MEASURED", ledger.Report().ToString());
    }

    [Fact]
    public void A_publisher_added_after_the_readers_counts_too()
    {
        var reader = ledger.AddReader("r");
        var publisher = Publish("p", 2);
        reader.Receive(publisher.Number, 1);
        Assert.Equal(1, ledger.MissingNow);
    }

    [Fact]
    public void It_agrees_with_a_plain_account_on_random_input()
    {
        var random = new Random(4711);
        for (var round = 0; round < 300; round++)
        {
            var fresh = new DeliveryLedger();
            var publisher = fresh.AddPublisher("p");
            var acknowledged = new HashSet<long>();
            for (var i = 0; i < 40; i++)
                if (publisher.Next() is var n && random.Next(10) > 0)
                {
                    publisher.Acknowledge(n);
                    acknowledged.Add(n);
                }
            var reader = fresh.AddReader("r");
            var got = new List<long>();
            for (var i = 0; i < 60; i++)
                got.Add(random.Next(3) == 0 ? random.Next(1, 41) : Math.Min(i + 1, 40));
            foreach (var n in got)
                reader.Receive(publisher.Number, n);
            var first = new HashSet<long>();
            int twice = 0,
                reordered = 0;
            var max = 0L;
            foreach (var n in got)
            {
                if (!first.Add(n))
                    twice++;
                else if (n < max)
                    reordered++;
                max = Math.Max(max, n);
            }
            var report = fresh.Report();
            Assert.Equal(
                (acknowledged.Except(first).Count(), twice, reordered),
                ((int)report.Lost, (int)report.Duplicates, (int)report.Reordered)
            );
        }
    }

    [Fact]
    public void Many_threads_keep_one_account()
    {
        var publishers = Enumerable.Range(0, 4).Select(i => ledger.AddPublisher($"p{i}")).ToList();
        Parallel.ForEach(
            publishers,
            p =>
            {
                for (var i = 0; i < 2_000; i++)
                    p.Acknowledge(p.Next());
            }
        );
        Parallel.For(
            0,
            50,
            i =>
            {
                var reader = ledger.AddReader($"r{i}");
                Parallel.ForEach(
                    publishers,
                    p =>
                    {
                        for (var n = 1; n <= 2_000; n++)
                            reader.Receive(p.Number, n);
                    }
                );
            }
        );
        Assert.True(ledger.Report().Clean);
        Assert.Equal(50 * 4 * 2_000, ledger.Report().Received);
    }

    [Fact]
    public void In_order_a_reader_takes_little_memory_however_much_it_reads()
    {
        var publisher = Publish("p", 10_000);
        var readers = Enumerable.Range(0, 1_000).Select(i => ledger.AddReader($"r{i}", publisher)).ToList();
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var reader in readers)
            for (var n = 1; n <= 10_000; n++)
                reader.Receive(publisher.Number, n);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.True(ledger.Report().Clean);
    }

    [Theory]
    [InlineData("""{"publisher":3,"sequence":17}""", true)]
    [InlineData("""{"x":[1,{"publisher":9}],"sequence":17,"publisher":3,"y":{}}""", true)]
    [InlineData("""{"id":"x","data":{"publisher":3,"sequence":17}}""", true)]
    [InlineData("""{"publisher":3}""", false)]
    [InlineData("""{"publisher":"3","sequence":17}""", false)]
    [InlineData("""{"connectionId":"c"}""", false)]
    [InlineData("hello", false)]
    [InlineData("", false)]
    public void A_stamp_is_found_in_payload_and_envelope(string json, bool found)
    {
        Assert.Equal(
            found,
            Stamp.TryRead(System.Text.Encoding.UTF8.GetBytes(json), out var publisher, out var sequence)
        );
        if (found)
            Assert.Equal((3, 17), (publisher, sequence));
    }

    [Fact]
    public void A_stamped_payload_has_the_size_asked_for()
    {
        Assert.Equal(120, Stamp.Json(3, 17, 120).Length);
        Assert.True(Stamp.TryRead(System.Text.Encoding.UTF8.GetBytes(Stamp.Json(3, 17, 120)), out _, out var sequence));
        Assert.Equal(17, sequence);
    }

    private LedgerPublisher Publish(string name, int count)
    {
        var publisher = ledger.AddPublisher(name, keepPositions: name == "orders");
        for (var n = 1; n <= count; n++)
            publisher.Acknowledge(publisher.Next(), $"e-{n}");
        return publisher;
    }

    private (LedgerReport Report, ReaderAccount Reader) Read(int published, long[] received)
    {
        var publisher = Publish("orders", published);
        var reader = ledger.AddReader("r", publisher);
        foreach (var sequence in received)
            reader.Receive(publisher.Number, sequence);
        var report = ledger.Report();
        return (report, report.Readers[^1]);
    }
}
