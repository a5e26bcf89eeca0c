using System.Globalization;
using System.Text;
using LoadTests.Loads;
using Measuring.Ledger;

namespace Unit.Ledger;

/// <summary>Every load test, benchmark and fault is judged by this account, so no loss, double or swap may escape it.
/// </summary>
public sealed class DeliveryLedgerTests
{
    private readonly DeliveryLedger _ledger = new();

    /// <summary>Events of a reader <c>r</c> of a publisher <c>p</c>, and its account of them.</summary>
    /// <param name="happened"><c>+3</c>: three more events are acknowledged; <c>?2</c>: two are published and not
    /// acknowledged; a number or a range of numbers is received; the others call the method of the same name.</param>
    /// <param name="found">The account, without the kinds of errors of which there are none.</param>
    [Theory]
    [InlineData("+5 1-5", "5 received")]
    [InlineData("+10 1-3 6-10", "8 received, 2 (p#4-5 at e-4) lost")]
    [InlineData("+10 1-8", "8 received, 2 (p#9-10 at e-9) lost")]
    [InlineData("+10", "0 received, 10 (p#1-10 at e-1) lost")]
    [InlineData("+5 1-3 2 4-5 5", "7 received, 2 (p#2 at e-2, p#5 at e-5) duplicates")]
    [InlineData("+5 1 3 2 4-5", "5 received, 1 (p#2 at e-2) reordered")]
    [InlineData("+3 1 3 2 1", "4 received, 1 (p#1 at e-1) duplicates, 1 (p#2 at e-2) reordered")]
    [InlineData("+5 1 4 3 3 2 5", "6 received, 1 (p#3 at e-3) duplicates, 2 (p#3 at e-3, p#2 at e-2) reordered")]
    [InlineData("+1 ?1 +1 ?1 1 3 4 4", "4 received, 1 (p#4) duplicates")]
    [InlineData("+3 1-4", "4 received, 1 unknown")]
    // A reader that comes late is owed what is published from then on; earlier events may come.
    [InlineData("+10 ExpectFromNow +10 10-12 14-20", "10 received, 1 (p#13 at e-13) lost")]
    [InlineData("+2 ExpectNothing +1", "0 received")]
    [InlineData("+2 ExpectNothing +1 ExpectFromNow +1", "0 received, 1 (p#4 at e-4) lost")]
    // A reader that leaves is owed what was acknowledged while it read; the first end counts.
    [InlineData("+2 ExpectFromNow +1 ExpectUntilNow +1", "0 received, 1 (p#3 at e-3) lost")]
    [InlineData("+2 ExpectFromNow +1 ExpectUntilNow +1 ExpectUntilNow 3", "1 received")]
    [InlineData("+2 ExpectNothing +1 ExpectUntilNow", "0 received")]
    // A resync excuses what is missing so far, and nothing later.
    [InlineData("+10 1-2 4 ExcuseMissing +5 9-11 13-15", "9 received, 1 (p#12 at e-12) lost, 5 excused")]
    public void An_account_names_every_lost_doubled_reordered_and_unknown_event(string happened, string found)
    {
        var publisher = _ledger.AddPublisher("p", keepPositions: true);
        var reader = _ledger.AddReader("r");

        foreach (var step in happened.Split(' '))
            Happen(step, publisher, reader);

        var report = _ledger.Report();
        var account = report.Readers.Single();
        var errors = $"{account}".Split(", ").Where(part => !part.StartsWith("0 ", StringComparison.Ordinal));

        Assert.Equal($"r: {found}", string.Join(", ", errors));
        Assert.Equal(!found.Contains('(') && !found.Contains("unknown"), account.Clean);
        Assert.Equal(account.Lost.Count, _ledger.MissingNow);

        var verdict =
            report.Received == 0 ? "NOTHING MEASURED"
            : account.Clean ? "clean"
            : "NOT CLEAN";
        Assert.StartsWith($"{verdict}: 1 publishers, ", $"{report}", StringComparison.Ordinal);
        Assert.Equal(verdict == "clean", report.Clean);
    }

    [Theory]
    [InlineData("e-1 e-2 e-3", 0)]
    [InlineData("e-1 e-3 e-2", 1)] // another publisher's event came too late
    [InlineData("e-12 f-1 f-2", 0)] // another epoch has an order of its own
    [InlineData("e-1 e-1 e-2", 1)]
    public void Events_of_different_publishers_are_held_to_the_order_of_their_positions(string ids, int reordered)
    {
        var reader = _ledger.AddReader("r");

        foreach (var id in ids.Split(' '))
        {
            var publisher = _ledger.AddPublisher(id);
            publisher.Acknowledge(publisher.Next());
            reader.Receive(publisher.Number, 1, id);
        }

        var report = _ledger.Report();
        Assert.Equal((reordered, 0, 0), (report.Reordered, report.Duplicates, report.Lost));
    }

    [Fact]
    public void A_reader_is_owed_the_events_of_its_publishers_only_and_of_all_without_a_choice()
    {
        var (chosen, other) = (_ledger.AddPublisher("chosen"), _ledger.AddPublisher("other"));
        var reader = _ledger.AddReader("r", chosen);
        _ledger.AddReader("of all");
        Happen("+3", chosen, reader);
        Happen("+3", other, reader);
        reader.Receive(other.Number, 1);
        reader.Receive(99, 1);
        Happen("+2", _ledger.AddPublisher("later"), reader);

        Assert.Equal([(3, 2), (8, 0)], _ledger.Report().Readers.Select(r => (r.Lost.Count, r.Unknown)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void It_agrees_with_a_plain_account_on_random_input_of_many_threads(int seed)
    {
        var publisher = _ledger.AddPublisher("p");
        var random = new Random(seed);
        var acknowledged = Enumerable.Range(1, 40).Where(_ => random.Next(10) > 0).ToHashSet();

        Parallel.For(0, 40, _ => publisher.Next());
        Parallel.ForEach(acknowledged, sequence => publisher.Acknowledge(sequence));

        Parallel.For(
            0,
            300,
            number =>
            {
                var reader = _ledger.AddReader($"r{number}");
                var order = new Random(seed * 1_000 + number);
                var received = Enumerable
                    .Range(1, 60)
                    .Select(i => order.Next(3) == 0 ? order.Next(1, 41) : Math.Min(i, 40))
                    .ToList();
                foreach (var sequence in received)
                    reader.Receive(publisher.Number, sequence);

                var isFirst = received.Select((sequence, i) => received.IndexOf(sequence) == i).ToList();
                var reordered = Enumerable.Range(1, 59).Count(i => isFirst[i] && received[i] < received[..i].Max());
                var account = reader.Account();

                Assert.Equal(
                    (acknowledged.Except(received).Count(), isFirst.Count(first => !first), reordered),
                    (account.Lost.Count, account.Duplicates.Count, account.Reordered.Count)
                );
            }
        );
        Assert.Equal((acknowledged.Count, 300 * 60), (_ledger.Report().Acknowledged, _ledger.Report().Received));
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
        Assert.Equal(found, Stamp.TryRead(Encoding.UTF8.GetBytes(json), out var publisher, out var sequence));
        if (found)
            Assert.Equal((3, 17), (publisher, sequence));
        Assert.False(LoadEvent.TryRead(Encoding.UTF8.GetBytes(json), out _, out _, out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(120)]
    public void A_stamped_payload_is_read_back_and_has_the_size_asked_for(int bytes)
    {
        var load = LoadEvent.Json(3, 17, 1_760_000_000_123_456_700, bytes);
        Assert.True(LoadEvent.TryRead(load, out var publisher, out var sequence, out var publishedAt));
        Assert.Equal((3, 17, 1_760_000_000_123_456_700), (publisher, sequence, publishedAt));

        foreach (var payload in (byte[][])[load, Encoding.UTF8.GetBytes(Stamp.Json(3, 17, bytes))])
        {
            Assert.True(Stamp.TryRead(payload, out publisher, out sequence));
            Assert.Equal((3, 17), (publisher, sequence));
            Assert.True(bytes == 0 || payload.Length == bytes);
        }
    }

    private static void Happen(string step, LedgerPublisher publisher, LedgerReader reader)
    {
        switch (step)
        {
            case nameof(LedgerReader.ExpectFromNow):
                reader.ExpectFromNow();
                break;
            case nameof(LedgerReader.ExpectUntilNow):
                reader.ExpectUntilNow();
                break;
            case nameof(LedgerReader.ExpectNothing):
                reader.ExpectNothing();
                break;
            case nameof(LedgerReader.ExcuseMissing):
                reader.ExcuseMissing();
                break;

            case ['+' or '?', .. var count]:
                for (var i = 0; i < Number(count); i++)
                    if (publisher.Next() is var next && step[0] == '+')
                        publisher.Acknowledge(next, $"e-{next}");
                break;

            default:
                var range = step.Split('-');
                for (var sequence = Number(range[0]); sequence <= Number(range[^1]); sequence++)
                    reader.Receive(publisher.Number, sequence);
                break;
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
