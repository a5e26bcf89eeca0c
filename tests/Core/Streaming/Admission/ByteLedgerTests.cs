using Streaming.Admission;

namespace Core.Streaming.Admission;

/// <summary>The bytes that clients hold.</summary>
public sealed class ByteLedgerTests
{
    private const long Megabyte = 1024 * 1024;

    private static readonly ClientKey Ann = ClientKey.OfUser("ann");
    private static readonly ClientKey Bob = ClientKey.OfUser("bob");
    private static readonly ClientKey Cid = ClientKey.OfUser("cid");
    private static readonly ClientKey Dan = ClientKey.OfUser("dan");

    [Fact]
    public void A_client_alone_may_hold_all_and_a_newcomer_still_finds_an_equal_share()
    {
        var ledger = new ByteLedger(6 * Megabyte);
        Assert.Equal(ShareVerdict.Admitted, ledger.Change(Ann, 0, 6 * Megabyte));
        Assert.Equal(ShareVerdict.OwnExcess, ledger.Change(Ann, 0, Megabyte));

        Assert.Equal(ShareVerdict.Admitted, ledger.Change(Bob, 0, 3 * Megabyte));
        Assert.Equal(ShareVerdict.OwnExcess, ledger.Change(Bob, 3 * Megabyte, 4 * Megabyte));
        Assert.Equal(ShareVerdict.Admitted, ledger.Change(Cid, 0, 2 * Megabyte));
        // Twelve megabytes are the most.
        Assert.Equal(ShareVerdict.Full, ledger.Change(Dan, 0, 3 * Megabyte / 2));
        Assert.Equal(11 * Megabyte, ledger.Held);
    }

    [Fact]
    public void Small_requests_are_admitted_whatever_is_held()
    {
        var ledger = new ByteLedger(Megabyte);
        using var run = ledger.Keep(Ann, 10 * Megabyte);
        Assert.Equal(ShareVerdict.OwnExcess, ledger.Change(Ann, 0, ByteLedger.SmallBytes + 1));
        Assert.Equal(ShareVerdict.Admitted, ledger.Change(Ann, 0, ByteLedger.SmallBytes));
        Assert.Equal(ShareVerdict.Full, ledger.Change(Bob, 0, ByteLedger.SmallBytes + 1));
    }

    [Fact]
    public void A_request_that_needs_less_than_before_is_never_refused()
    {
        var ledger = new ByteLedger(3 * Megabyte);
        using var run = ledger.Keep(Ann, 8 * Megabyte);
        Assert.Equal(ShareVerdict.Admitted, ledger.Change(Ann, Megabyte, 100 * 1024));
    }

    [Fact]
    public void Refused_and_returned_work_is_not_counted()
    {
        var ledger = new ByteLedger(Megabyte);
        Assert.Equal(ShareVerdict.OwnExcess, ledger.Change(Ann, 0, 2 * Megabyte));
        Assert.Equal(ShareVerdict.Admitted, ledger.Change(Ann, 0, 1_000));
        Assert.Equal(ShareVerdict.Admitted, ledger.Change(Ann, 1_000, 0));
        Assert.Equal(0, ledger.Held);
    }

    [Fact]
    public void Work_that_outlives_its_request_is_counted_until_its_end()
    {
        var ledger = new ByteLedger(3 * Megabyte);
        var run = ledger.Keep(Ann, 4 * Megabyte);
        run.Dispose();
        run.Dispose();
        Assert.Equal((0, ShareVerdict.Admitted), (ledger.Held, ledger.Change(Ann, 0, 3 * Megabyte)));
    }

    /// <summary>Tickets of one key share what the key may hold, because it can buy any number.</summary>
    [Fact]
    public void The_tickets_of_a_key_hold_together()
    {
        var ledger = new ByteLedger(Megabyte);
        Assert.Equal(ShareVerdict.Admitted, ledger.Change(ClientKey.OfPerson("key:a", Guid.NewGuid()), 0, Megabyte));
        Assert.Equal(ShareVerdict.OwnExcess, ledger.Change(ClientKey.OfPerson("key:a", Guid.NewGuid()), 0, Megabyte));
    }

    [Fact]
    public void A_request_counts_as_16_kB_at_least_and_as_nothing_once_it_is_answered()
    {
        var ledger = new ByteLedger(Megabyte);
        using var hold = new ByteHold(ledger, Ann);
        Assert.Equal(0, ledger.Held);

        foreach (var (bytes, held) in ((long, long)[])[(1, 16 * 1024), (100_000, 100_000), (20_000, 20_000)])
        {
            hold.Set(bytes);
            Assert.Equal(held, ledger.Held);
        }

        hold.Dispose();
        hold.Dispose();
        Assert.Equal(0, ledger.Held);
    }

    [Theory]
    [InlineData(1, 4, 429)]
    [InlineData(4, 1, 503)]
    public void A_refused_request_keeps_what_it_had_and_names_the_limit(int kept, int wanted, int status)
    {
        var ledger = new ByteLedger(4 * Megabyte);

        for (var n = 1; n <= 2; n++)
            ledger.Keep(ClientKey.OfUser($"other {n}"), kept * Megabyte);

        using var hold = new ByteHold(ledger, Ann);
        hold.Set(60_000);

        var refused = Assert.Throws<RefusedException>(() => hold.Set(wanted * Megabyte));

        Assert.Equal(status, refused.Status);
        Assert.Contains("(AdmissionOptions.HeldBytes)", refused.Message, StringComparison.Ordinal);
        Assert.Equal(60_000 + 2 * kept * Megabyte, ledger.Held);
    }
}
