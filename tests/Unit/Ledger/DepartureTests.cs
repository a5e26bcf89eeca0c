using Measuring.Ledger;

namespace Unit.Ledger;

public class DepartureTests
{
    private readonly DeliveryLedger ledger = new();

    [Theory]
    [InlineData("e-1 e-2 e-3", 0)]
    [InlineData("e-1 e-3 e-2", 1)] // another publisher's event came too late
    [InlineData("e-12 f-1 f-2", 0)] // another epoch has an order of its own
    [InlineData("e-1 e-1 e-2", 1)]
    public void Events_of_different_publishers_are_held_to_the_order_of_their_positions(string ids, int reordered)
    {
        var reader = ledger.AddReader("r");
        foreach (var id in ids.Split(' '))
        {
            var publisher = ledger.AddPublisher(id);
            publisher.Acknowledge(publisher.Next());
            reader.Receive(publisher.Number, 1, id);
        }

        Assert.Equal((reordered, 0, 0), (ledger.Report().Reordered, ledger.Report().Duplicates, ledger.Report().Lost));
    }

    [Fact]
    public void A_swap_of_one_publisher_counts_once_and_a_repetition_is_no_swap()
    {
        var publisher = Publish(3);
        var reader = ledger.AddReader("r");
        foreach (var n in (int[])[1, 3, 2, 1])
            reader.Receive(publisher.Number, n, $"e-{n}");
        Assert.Equal((1, 1), (ledger.Report().Reordered, ledger.Report().Duplicates));
    }

    [Fact]
    public void A_reader_that_leaves_is_owed_all_that_was_acknowledged_while_it_read()
    {
        var publisher = Publish(2);
        var reader = ledger.AddReader("r");
        reader.ExpectFromNow();
        publisher.Acknowledge(publisher.Next());
        reader.ExpectUntilNow();
        publisher.Acknowledge(publisher.Next());
        ledger.AddPublisher("later").Next();
        Assert.Equal((1, false), (ledger.MissingNow, reader.HasAllUntil));
        reader.Receive(publisher.Number, 3);
        Assert.Equal((0, true), (ledger.MissingNow, reader.HasAllUntil));
    }

    [Fact]
    public void A_reader_need_not_receive_events_from_before_its_stream_opened()
    {
        var publisher = Publish(2);
        var (late, never) = (ledger.AddReader("late"), ledger.AddReader("never"));
        late.ExpectNothing();
        never.ExpectNothing();
        publisher.Acknowledge(publisher.Next());
        Assert.Equal(0, ledger.MissingNow);
        late.ExpectFromNow();
        publisher.Acknowledge(publisher.Next());
        never.ExpectUntilNow();
        Assert.Equal(["late: 0 received, 1 (p#4) lost, 0 duplicates, 0 reordered, 0 unknown, 0 excused"], Faulty());

        IEnumerable<string> Faulty() => ledger.Report().Readers.Where(r => !r.Clean).Select(r => r.ToString());
    }

    private LedgerPublisher Publish(int count)
    {
        var publisher = ledger.AddPublisher("p");
        for (var i = 0; i < count; i++)
            publisher.Acknowledge(publisher.Next());
        return publisher;
    }
}
