using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Streaming;
using Streaming.Connections;

namespace Unit.Streaming;

/// <summary>The places of open streams: of the replica, of a pool and of a client.</summary>
public sealed class ConnectionLimitsTests
{
    [Fact]
    public void A_full_replica_refuses_new_streams_and_has_a_reserve_for_resumes()
    {
        var limits = Limits(new StreamingOptions { MaxConnections = 20, ResumeReservePercent = 10 });
        for (var i = 0; i < 20; i++)
            Assert.Equal(Admission.Admitted, Enter(limits).Admission);
        Assert.Equal((Admission.Full, null), Enter(limits));
        var (first, second) = (Enter(limits, resume: true), Enter(limits, resume: true));
        Assert.Equal((Admission.Admitted, Admission.Admitted), (first.Admission, second.Admission));
        Assert.Equal(Admission.Full, Enter(limits, resume: true).Admission);
        Assert.Equal(22, limits.Count);

        first.Place!.Dispose();
        first.Place.Dispose(); // twice: at the end of the stream and of its request
        Assert.Equal(21, limits.Count);
        Assert.Equal(Admission.Full, Enter(limits).Admission);
        Assert.Equal(Admission.Admitted, Enter(limits, resume: true).Admission);
    }

    [Fact]
    public void A_client_has_its_number_of_streams_twice_as_many_with_resumes_and_no_effect_on_others()
    {
        var limits = Limits(new StreamingOptions { MaxConnectionsPerClient = 2 });
        var places = Enumerable.Range(0, 2).Select(_ => Enter(limits, "ann").Place!).ToList();
        Assert.Equal((Admission.TooManyOfClient, null), Enter(limits, "ann"));
        places.AddRange(Enumerable.Range(0, 2).Select(_ => Enter(limits, "ann", resume: true).Place!));
        Assert.Equal(Admission.TooManyOfClient, Enter(limits, "ann", resume: true).Admission);
        Assert.Equal(Admission.Admitted, Enter(limits, "bob").Admission);
        // Refused streams count nowhere.
        Assert.Equal(5, limits.Count);

        foreach (var place in places)
            place.Dispose();
        Assert.Equal(Admission.Admitted, Enter(limits, "ann").Admission);
        Assert.Equal(Admission.Admitted, Enter(limits, "ann").Admission);
        Assert.Equal(Admission.TooManyOfClient, Enter(limits, "ann").Admission);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(null)]
    public void Without_its_limit_a_client_may_have_all_places(int? perClient)
    {
        var limits = Limits(new StreamingOptions { MaxConnectionsPerClient = perClient, MaxConnections = 50 });
        for (var i = 0; i < 50; i++)
            Assert.Equal(Admission.Admitted, Enter(limits, "ann").Admission);
    }

    [Fact]
    public void A_full_pool_refuses_its_streams_alone_and_has_the_reserve_too()
    {
        var limits = Limits(new StreamingOptions { ResumeReservePercent = 50 }, ("Pools:Chat", "2"));
        var first = Enter(limits, pool: "Chat");
        Assert.Equal(Admission.Admitted, Enter(limits, pool: "chat").Admission);
        Assert.Equal((Admission.Full, null), Enter(limits, pool: "Chat"));
        Assert.Equal(Admission.Admitted, Enter(limits, pool: "Tasks").Admission);
        Assert.Equal(Admission.Admitted, Enter(limits).Admission);
        Assert.Equal(Admission.Admitted, Enter(limits, pool: "Chat", resume: true).Admission);
        Assert.Equal(Admission.Full, Enter(limits, pool: "Chat", resume: true).Admission);

        first.Place!.Dispose();
        Assert.Equal(Admission.Full, Enter(limits, pool: "Chat").Admission);
        Assert.Equal(Admission.Admitted, Enter(limits, pool: "Chat", resume: true).Admission);
    }

    /// <summary>Otherwise refused streams would fill the pool for good.</summary>
    [Theory]
    [InlineData(1, 0, Admission.Full)]
    [InlineData(100, 1, Admission.TooManyOfClient)]
    internal void A_stream_that_is_refused_gives_its_place_in_the_pool_back(int all, int perClient, Admission refusal)
    {
        var options = new StreamingOptions { MaxConnections = all, MaxConnectionsPerClient = perClient };
        var limits = Limits(options, ("Pools:Chat", "1"));
        var other = Enter(limits, "ann");
        for (var i = 0; i < 3; i++)
            Assert.Equal(refusal, Enter(limits, "ann", "Chat").Admission);
        other.Place!.Dispose();
        Assert.Equal(Admission.Admitted, Enter(limits, "ann", "Chat").Admission);
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

    private static (Admission Admission, IDisposable? Place) Enter(
        ConnectionLimits limits,
        string client = "anyone",
        string? pool = null,
        bool resume = false
    ) => (limits.TryEnter(pool, client, resume, out var place), place);

    private static ConnectionLimits Limits(StreamingOptions options, params (string Key, string? Value)[] settings) =>
        new(Options.Create(options), Pools(settings));

    private static StreamPools Pools(params (string Key, string? Value)[] settings) =>
        new(
            new ConfigurationBuilder()
                .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value)))
                .Build()
        );
}
