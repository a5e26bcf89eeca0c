using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Streaming.Admission;
using Streaming.Opening;

namespace Core.Streaming;

/// <summary>The seats of open streams: of the replica, of a pool and of a client.</summary>
public sealed class StreamSeatsTests
{
    [Fact]
    public void A_full_replica_refuses_new_streams_and_has_a_reserve_for_resumes()
    {
        var seats = SeatsOf(new SseOptions { MaxConnections = 20, ResumeReservePercent = 10 });

        for (var i = 0; i < 20; i++)
            Assert.Equal(ShareVerdict.Admitted, Take(seats).Verdict);

        Assert.Equal((ShareVerdict.Full, null), Take(seats));
        var (first, second) = (Take(seats, resume: true), Take(seats, resume: true));
        Assert.Equal((ShareVerdict.Admitted, ShareVerdict.Admitted), (first.Verdict, second.Verdict));
        Assert.Equal(ShareVerdict.Full, Take(seats, resume: true).Verdict);
        Assert.Equal(22, seats.Taken);

        first.Seat!.Dispose();
        first.Seat.Dispose(); // twice: at the end of the stream and of its request
        Assert.Equal(21, seats.Taken);
        Assert.Equal(ShareVerdict.Full, Take(seats).Verdict);
        Assert.Equal(ShareVerdict.Admitted, Take(seats, resume: true).Verdict);
    }

    [Fact]
    public void While_half_of_the_seats_are_free_a_client_may_have_any_number_and_then_its_own()
    {
        var seats = SeatsOf(new SseOptions { MaxConnections = 20, MaxConnectionsPerClient = 2 });
        var taken = Enumerable.Range(0, 10).Select(_ => Take(seats, "ann").Seat!).ToList();
        Assert.Equal((ShareVerdict.OwnExcess, null), Take(seats, "ann"));

        foreach (var client in (string[])["bob", "cid"])
            Assert.Equal([true, true, false], Enumerable.Range(0, 3).Select(_ => Take(seats, client).Seat is not null));

        // The former streams of a resuming client may still count.
        Assert.Equal(
            [true, true, false],
            Enumerable.Range(0, 3).Select(_ => Take(seats, "bob", resume: true).Seat is not null)
        );
        // Refused streams count nowhere.
        Assert.Equal(16, seats.Taken);

        foreach (var seat in taken)
            seat.Dispose();

        Assert.Equal(ShareVerdict.Admitted, Take(seats, "ann").Verdict);
    }

    /// <summary>An API key can buy any number of tickets.</summary>
    [Fact]
    public void The_tickets_of_a_key_have_an_equal_share_of_scarce_seats_together()
    {
        var seats = SeatsOf(new SseOptions { MaxConnections = 20, MaxConnectionsPerClient = 2 });
        var taken = Enumerable.Range(0, 20).Count(_ => IsAdmitted());
        Assert.Equal(20, taken + Enumerable.Range(0, 20).Count(_ => IsAdmitted()));

        seats = SeatsOf(new SseOptions { MaxConnections = 20, MaxConnectionsPerClient = 2 });
        Take(seats, "bob");
        Assert.Equal(10, Enumerable.Range(0, 20).Count(_ => IsAdmitted()));

        bool IsAdmitted() =>
            seats.TryTake(null, ClientKey.OfPerson("key:a", Guid.NewGuid()), false, out var seat)
            == ShareVerdict.Admitted;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(null)]
    public void Without_its_limit_a_client_may_have_all_seats(int? perClient)
    {
        var seats = SeatsOf(new SseOptions { MaxConnectionsPerClient = perClient, MaxConnections = 50 });
        for (var i = 0; i < 50; i++)
            Assert.Equal(ShareVerdict.Admitted, Take(seats, "ann").Verdict);
    }

    [Fact]
    public void A_full_pool_refuses_its_streams_alone_and_has_the_reserve_too()
    {
        var seats = SeatsOf(new SseOptions { ResumeReservePercent = 50 }, ("AspireSse:Pools:Chat", "2"));
        var first = Take(seats, pool: "Chat");
        Assert.Equal(ShareVerdict.Admitted, Take(seats, pool: "chat").Verdict);
        Assert.Equal((ShareVerdict.Full, null), Take(seats, pool: "Chat"));
        Assert.Equal(ShareVerdict.Admitted, Take(seats, pool: "Tasks").Verdict);
        Assert.Equal(ShareVerdict.Admitted, Take(seats).Verdict);
        Assert.Equal(ShareVerdict.Admitted, Take(seats, pool: "Chat", resume: true).Verdict);
        Assert.Equal(ShareVerdict.Full, Take(seats, pool: "Chat", resume: true).Verdict);

        first.Seat!.Dispose();
        Assert.Equal(ShareVerdict.Full, Take(seats, pool: "Chat").Verdict);
        Assert.Equal(ShareVerdict.Admitted, Take(seats, pool: "Chat", resume: true).Verdict);
    }

    /// <summary>Otherwise refused streams would fill the pool for good.</summary>
    [Theory]
    [InlineData(1, 0, ShareVerdict.Full)]
    [InlineData(2, 1, ShareVerdict.OwnExcess)]
    internal void A_stream_that_is_refused_gives_its_seat_in_the_pool_back(int all, int perClient, ShareVerdict refusal)
    {
        var options = new SseOptions { MaxConnections = all, MaxConnectionsPerClient = perClient };
        var seats = SeatsOf(options, ("AspireSse:Pools:Chat", "1"));
        var other = Take(seats, "ann");

        for (var i = 0; i < 3; i++)
            Assert.Equal(refusal, Take(seats, "ann", "Chat").Verdict);

        other.Seat!.Dispose();
        Assert.Equal(ShareVerdict.Admitted, Take(seats, "ann", "Chat").Verdict);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("1000000", true)]
    [InlineData("", true)]
    [InlineData("0", false)]
    [InlineData("1000001", false)]
    [InlineData("many", false)]
    public void The_size_of_a_pool_is_a_number_from_1_to_a_million(string size, bool isValid)
    {
        var read = () => SeatsOf(new SseOptions(), ("AspireSse:Pools:Chat", size));
        if (isValid)
            read();
        else
            Assert.Contains(
                $"AspireSse:Pools:Chat is '{size}'",
                Assert.Throws<OptionsValidationException>(read).Message,
                StringComparison.Ordinal
            );
    }

    [Fact]
    public void A_pool_without_a_size_has_a_thousand_seats()
    {
        var seats = SeatsOf(new SseOptions());
        for (var i = 0; i < 1_000; i++)
            Assert.Equal(ShareVerdict.Admitted, Take(seats, pool: "Chat").Verdict);
        Assert.Equal(ShareVerdict.Full, Take(seats, pool: "Chat").Verdict);
    }

    private static (ShareVerdict Verdict, IDisposable? Seat) Take(
        StreamSeats seats,
        string client = "anyone",
        string? pool = null,
        bool resume = false
    ) => (seats.TryTake(pool, ClientKey.OfUser(client), resume, out var seat), seat);

    private static StreamSeats SeatsOf(SseOptions options, params (string Key, string? Value)[] settings) =>
        new(
            Options.Create(options),
            new ConfigurationBuilder()
                .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value)))
                .Build()
        );
}
