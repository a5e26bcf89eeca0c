using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Streaming;
using Streaming.Admission;
using Streaming.Connections;

namespace Core.Streaming;

/// <summary>The places of open streams: of the replica, of a pool and of a client.</summary>
public sealed class ConnectionLimitsTests
{
    [Fact]
    public void A_full_replica_refuses_new_streams_and_has_a_reserve_for_resumes()
    {
        var limits = Limits(new StreamingOptions { MaxConnections = 20, ResumeReservePercent = 10 });
        for (var i = 0; i < 20; i++)
            Assert.Equal(ShareVerdict.Admitted, Enter(limits).Verdict);
        Assert.Equal((ShareVerdict.Full, null), Enter(limits));
        var (first, second) = (Enter(limits, resume: true), Enter(limits, resume: true));
        Assert.Equal((ShareVerdict.Admitted, ShareVerdict.Admitted), (first.Verdict, second.Verdict));
        Assert.Equal(ShareVerdict.Full, Enter(limits, resume: true).Verdict);
        Assert.Equal(22, limits.Count);

        first.Place!.Dispose();
        first.Place.Dispose(); // twice: at the end of the stream and of its request
        Assert.Equal(21, limits.Count);
        Assert.Equal(ShareVerdict.Full, Enter(limits).Verdict);
        Assert.Equal(ShareVerdict.Admitted, Enter(limits, resume: true).Verdict);
    }

    [Fact]
    public void While_half_of_the_places_are_free_a_client_may_have_any_number_and_then_its_own()
    {
        var limits = Limits(new StreamingOptions { MaxConnections = 20, MaxConnectionsPerClient = 2 });
        var places = Enumerable.Range(0, 10).Select(_ => Enter(limits, "ann").Place!).ToList();
        Assert.Equal((ShareVerdict.OwnExcess, null), Enter(limits, "ann"));

        foreach (var client in (string[])["bob", "cid"])
            Assert.Equal(
                [true, true, false],
                Enumerable.Range(0, 3).Select(_ => Enter(limits, client).Place is not null)
            );
        // The former streams of a resuming client may still count.
        Assert.Equal(
            [true, true, false],
            Enumerable.Range(0, 3).Select(_ => Enter(limits, "bob", resume: true).Place is not null)
        );
        // Refused streams count nowhere.
        Assert.Equal(16, limits.Count);

        foreach (var place in places)
            place.Dispose();
        Assert.Equal(ShareVerdict.Admitted, Enter(limits, "ann").Verdict);
    }

    /// <summary>An API key can buy any number of tickets.</summary>
    [Fact]
    public void The_tickets_of_a_key_have_an_equal_share_of_scarce_places_together()
    {
        var limits = Limits(new StreamingOptions { MaxConnections = 20, MaxConnectionsPerClient = 2 });
        var taken = Enumerable.Range(0, 20).Count(_ => IsAdmitted());
        Assert.Equal(20, taken + Enumerable.Range(0, 20).Count(_ => IsAdmitted()));

        limits = Limits(new StreamingOptions { MaxConnections = 20, MaxConnectionsPerClient = 2 });
        Enter(limits, "bob");
        Assert.Equal(10, Enumerable.Range(0, 20).Count(_ => IsAdmitted()));

        bool IsAdmitted() =>
            limits.TryEnter(null, ClientKey.OfPerson("key:a", Guid.NewGuid()), false, out var place)
            == ShareVerdict.Admitted;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(null)]
    public void Without_its_limit_a_client_may_have_all_places(int? perClient)
    {
        var limits = Limits(new StreamingOptions { MaxConnectionsPerClient = perClient, MaxConnections = 50 });
        for (var i = 0; i < 50; i++)
            Assert.Equal(ShareVerdict.Admitted, Enter(limits, "ann").Verdict);
    }

    [Fact]
    public void A_full_pool_refuses_its_streams_alone_and_has_the_reserve_too()
    {
        var limits = Limits(new StreamingOptions { ResumeReservePercent = 50 }, ("Pools:Chat", "2"));
        var first = Enter(limits, pool: "Chat");
        Assert.Equal(ShareVerdict.Admitted, Enter(limits, pool: "chat").Verdict);
        Assert.Equal((ShareVerdict.Full, null), Enter(limits, pool: "Chat"));
        Assert.Equal(ShareVerdict.Admitted, Enter(limits, pool: "Tasks").Verdict);
        Assert.Equal(ShareVerdict.Admitted, Enter(limits).Verdict);
        Assert.Equal(ShareVerdict.Admitted, Enter(limits, pool: "Chat", resume: true).Verdict);
        Assert.Equal(ShareVerdict.Full, Enter(limits, pool: "Chat", resume: true).Verdict);

        first.Place!.Dispose();
        Assert.Equal(ShareVerdict.Full, Enter(limits, pool: "Chat").Verdict);
        Assert.Equal(ShareVerdict.Admitted, Enter(limits, pool: "Chat", resume: true).Verdict);
    }

    /// <summary>Otherwise refused streams would fill the pool for good.</summary>
    [Theory]
    [InlineData(1, 0, ShareVerdict.Full)]
    [InlineData(2, 1, ShareVerdict.OwnExcess)]
    internal void A_stream_that_is_refused_gives_its_place_in_the_pool_back(
        int all,
        int perClient,
        ShareVerdict refusal
    )
    {
        var options = new StreamingOptions { MaxConnections = all, MaxConnectionsPerClient = perClient };
        var limits = Limits(options, ("Pools:Chat", "1"));
        var other = Enter(limits, "ann");
        for (var i = 0; i < 3; i++)
            Assert.Equal(refusal, Enter(limits, "ann", "Chat").Verdict);
        other.Place!.Dispose();
        Assert.Equal(ShareVerdict.Admitted, Enter(limits, "ann", "Chat").Verdict);
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
        var pools = Pools(("Pools:Chat", size));
        if (isValid)
            pools.Validate();
        else
            Assert.Contains(
                $"Pools:Chat is '{size}'",
                Assert.Throws<OptionsValidationException>(pools.Validate).Message,
                StringComparison.Ordinal
            );
    }

    [Fact]
    public void A_pool_without_a_size_has_a_thousand_places()
    {
        var pool = Pools().Of("Chat");
        for (var i = 0; i < 1_000; i++)
            Assert.True(pool.TryTake(reservePercent: 0));
        Assert.False(pool.TryTake(reservePercent: 0));
    }

    private static (ShareVerdict Verdict, IDisposable? Place) Enter(
        ConnectionLimits limits,
        string client = "anyone",
        string? pool = null,
        bool resume = false
    ) => (limits.TryEnter(pool, ClientKey.OfUser(client), resume, out var place), place);

    private static ConnectionLimits Limits(StreamingOptions options, params (string Key, string? Value)[] settings) =>
        new(Options.Create(options), Pools(settings));

    private static StreamPools Pools(params (string Key, string? Value)[] settings) =>
        new(
            new ConfigurationBuilder()
                .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value)))
                .Build()
        );
}
