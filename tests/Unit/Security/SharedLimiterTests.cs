using System.Threading.RateLimiting;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StreamApi.Security.Limits;
using Unit.Redis;
using Unit.ServiceDefaults;

namespace Unit.Security;

/// <summary>The limit of one client over all replicas, which a real Redis counts.</summary>
public sealed class SharedLimiterTests(RedisProgram program) : IClassFixture<RedisProgram>
{
    private const int Limit = 100,
        Large = 1_200;

    private readonly ManualTime _time = new();

    [Fact(Timeout = 60_000)]
    public async Task Two_replicas_together_admit_what_the_limit_allows_and_another_client_has_its_own()
    {
        await using var redis = program.Start();
        await using var service = await StartAsync(redis.PatientAddress);
        using var first = Replica(service, "ann");
        using var second = Replica(service, "ann");
        var admitted = 0;
        for (var i = 0; i < Limit; i++)
            admitted += (await IsAdmittedAsync(first) ? 1 : 0) + (await IsAdmittedAsync(second) ? 1 : 0);

        Assert.Equal(Limit, admitted);
        using var bob = Replica(service, "bob");
        Assert.True(await IsAdmittedAsync(bob));

        using var refused = await AcquireAsync(first);
        Assert.True(refused.TryGetMetadata(MetadataName.RetryAfter, out var wait));
        // A segment of five seconds leaves the window a minute after it began.
        Assert.InRange(wait, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_replica_takes_a_twentieth_of_a_segment_at_once_and_keeps_it_for_a_segment()
    {
        await using var redis = program.Start();
        await using var service = await StartAsync(redis.PatientAddress);
        using var first = Replica(service, "ann", limit: Large);
        using var second = Replica(service, "ann", limit: Large);

        Assert.True(await IsAdmittedAsync(first));
        var admitted = 0;
        while (await IsAdmittedAsync(second))
            admitted++;

        Assert.Equal(Large - 5, admitted);

        // The first replica has four left, and uses them without Redis.
        for (var i = 0; i < 2; i++)
            using (var lease = (await AcquireAsync(first)))
                Assert.True(lease.IsAcquired);

        _time.Advance(TimeSpan.FromSeconds(5.1));
        Assert.False(await IsAdmittedAsync(first));
    }

    [Fact(Timeout = 60_000)]
    public async Task After_twenty_refusals_in_a_second_the_next_ones_are_late()
    {
        await using var redis = program.Start();
        await using var service = await StartAsync(redis.PatientAddress);
        using var limiter = Replica(service, "ann");

        while (await IsAdmittedAsync(limiter)) { }

        var late = new List<bool>();
        for (var i = 0; i < 25; i++)
            late.Add(await IsLateAsync(limiter));

        // The loop above had the first.
        Assert.Equal([.. Enumerable.Repeat(false, 19), .. Enumerable.Repeat(true, 6)], late);
        _time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.False(await IsLateAsync(limiter));
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_Redis_each_replica_counts_for_itself_until_Redis_is_back()
    {
        await using var redis = program.Start();
        // Its client gives up in real time, the counts in that of the test, which stands still.
        await using var service = await StartAsync(redis.Address);
        var counts = Counts(service);
        var limit = RedisRate.Window(Limit, TimeSpan.FromMinutes(1));
        Assert.NotNull(await counts.TakeAsync(limit, "ann"));
        redis.Freeze();

        using (var alone = Replica(service, "bob"))
        {
            var admitted = 0;
            while (await IsAdmittedAsync(alone))
                admitted++;
            Assert.Equal(Limit, admitted);
        }

        Assert.Null(await counts.TakeAsync(limit, "ann"));
        redis.Thaw();
        // It is asked again after five seconds only, and then for each request.
        Assert.Null(await counts.TakeAsync(limit, "ann"));

        do _time.Advance(TimeSpan.FromSeconds(5));
        while (await counts.TakeAsync(limit, "ann") is null);

        Assert.NotNull(await counts.TakeAsync(limit, "ann"));
    }

    /// <summary>As Garnet without <c>--lua</c>, and services that allow no scripts.</summary>
    [Theory(Timeout = 60_000)]
    [InlineData("--rename-command EVAL x --rename-command EVALSHA y --rename-command SCRIPT z")]
    [InlineData("--user default on nopass ~* &* +@all -@scripting")]
    public async Task Without_scripts_each_replica_counts_for_itself_and_asks_and_says_it_seldom(string options)
    {
        await using var redis = program.Start(port: 0, options.Split(' '));
        await using var service = await StartAsync(redis.PatientAddress);
        var log = new WarningLines();
        var counts = Counts(service, log: log);
        var limit = RedisRate.Window(Limit, TimeSpan.FromMinutes(1));
        using var first = Replica(service, "ann", counts: counts);
        using var second = Replica(service, "ann");

        for (var i = 0; i < Limit; i++)
            Assert.True(await IsAdmittedAsync(first) && await IsAdmittedAsync(second));
        var refusals = await RefusalsAsync(service);

        _time.Advance(TimeSpan.FromMinutes(4));
        Assert.Null(await counts.TakeAsync(limit, "ann"));
        Assert.Equal(refusals, await RefusalsAsync(service));
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Null(await counts.TakeAsync(limit, "ann"));
        Assert.NotEqual(refusals, await RefusalsAsync(service));

        var line = Assert.Single(log.Texts);
        Assert.Contains("runs no Lua scripts", line, StringComparison.Ordinal);
        Assert.Contains("once per replica", line, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_bucket_gives_its_burst_at_once_and_says_when_it_has_more()
    {
        await using var redis = program.Start();
        await using var service = await StartAsync(redis.PatientAddress);
        var counts = Counts(service);
        var bucket = RedisRate.Bucket(perSecond: 1, most: 40);

        var given = 0;
        Permits? last;
        while ((last = await counts.TakeAsync(bucket, "ann")) is { Given: > 0 and var some })
            given += some;

        // One more for each second that the loop takes.
        Assert.InRange(given, 40, 100);
        Assert.InRange(last!.Value.Wait, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(2));
    }

    private static async Task<Service> StartAsync(string redis)
    {
        var service = await Service.StartAsync(
            builder => builder.AddRelayRedis(),
            null,
            ("ConnectionStrings:redis", $"{redis},allowAdmin=true")
        );
        var link = service.Services.GetRequiredService<RedisLink>();
        await Eventually.HoldsAsync(() => link.IsConnected);

        return service;
    }

    /// <summary>Returns the number of commands that Redis has refused since its start.</summary>
    private static Task<string?> RefusalsAsync(Service service) =>
        service
            .Services.GetRequiredService<RedisLink>()
            .AskAsync(
                async database => (string?)await database.ExecuteAsync("INFO", "errorstats"),
                TimeSpan.FromMinutes(1),
                TestContext.Current.CancellationToken
            );

    private SharedCounts Counts(Service service, WarningLines? log = null) =>
        new(
            service.Services.GetRequiredService<RedisLink>(),
            Options.Create(new EventStoreOptions()),
            Options.Create(new LimitOptions()),
            _time,
            log is null ? NullLogger<SharedCounts>.Instance : new Logger<SharedCounts>(new LoggerFactory([log]))
        );

    /// <summary>The limiter of a client's requests per minute on one replica.</summary>
    private SharedLimiter Replica(Service service, string client, int limit = Limit, SharedCounts? counts = null) =>
        new(
            new SlidingWindowRateLimiter(
                new SlidingWindowRateLimiterOptions
                {
                    PermitLimit = limit,
                    Window = TimeSpan.FromMinutes(1),
                    SegmentsPerWindow = RedisRate.Segments,
                    AutoReplenishment = false,
                }
            ),
            RedisRate.Window(limit, TimeSpan.FromMinutes(1)),
            counts ?? Counts(service),
            client,
            _time
        );

    private static async Task<bool> IsAdmittedAsync(SharedLimiter limiter)
    {
        using var lease = await AcquireAsync(limiter);
        return lease.IsAcquired;
    }

    private static async Task<bool> IsLateAsync(SharedLimiter limiter)
    {
        using var lease = await AcquireAsync(limiter);
        Assert.True(lease.TryGetMetadata(SharedLimiter.IsLate, out var isLate));
        return isLate;
    }

    private static ValueTask<RateLimitLease> AcquireAsync(SharedLimiter limiter) =>
        limiter.AcquireAsync(1, TestContext.Current.CancellationToken);
}
