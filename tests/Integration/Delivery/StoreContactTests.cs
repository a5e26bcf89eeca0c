using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using EventStore;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Integration.Delivery;

public sealed class StoreContactTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Otherwise a second outage right after the first one would not be noticed.</summary>
    [Fact]
    public async Task A_store_that_answers_after_an_outage_is_not_away_any_more()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(Stop);
        await using var link = new FaultyLink(database.Host!, database.Port);
        database.Host = "127.0.0.1";
        database.Port = link.Port;

        using var host = StoreOnlyHost.Of(database.ConnectionString).Build();
        var clock = new StepClock();
        using var contact = new StoreContact(
            host.Services.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Feed),
            new StoreClock(clock),
            host.Services.GetRequiredService<StoreHosts>(),
            Options.Create(new EventStoreOptions { UnhealthySeconds = 5 }),
            host.Services.GetRequiredService<IMeterFactory>(),
            NullLogger<StoreContact>.Instance
        );

        await contact.StartAsync(Stop);
        await AwayAsync(false);
        link.Freeze();
        await clock.StepAsync();
        await AwayAsync(true);
        clock.By = TimeSpan.FromMinutes(1);
        link.Heal();
        await clock.StepAsync();
        await AwayAsync(false);
        await contact.StopAsync(Stop);

        Task AwayAsync(bool isAway) =>
            Eventually.HoldsAsync(() => contact.AwayFor is not null == isAway, $"the store is away: {isAway}");
    }

    /// <summary>Npgsql avoids a host of which a connection broke, and these pools let it ask again only after a
    /// day.</summary>
    [Fact]
    public async Task A_pool_that_avoids_its_primary_looks_for_it_again()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(Stop);
        database.Host = $"{database.Host}:{database.Port},127.0.0.1:{FreePort.Take()}";
        var hosts = new StoreHosts(TimeProvider.System);
        await using var pool = hosts.Build(new NpgsqlDataSourceBuilder(database.ConnectionString) { Name = "pool" });

        const string breaking = "select pg_terminate_backend(pg_backend_pid())";
        await Assert.ThrowsAsync<PostgresException>(() => pool.ExecuteAsync(breaking));
        await Assert.ThrowsAsync<NpgsqlException>(async () => await pool.OpenConnectionAsync(Stop));

        await hosts.CheckAsync(Stop);
        await using var connection = await pool.OpenConnectionAsync(Stop);
    }

    /// <summary>Its delivery times must not contain the difference.</summary>
    [Theory]
    [InlineData(-90)]
    [InlineData(3)]
    public async Task A_service_with_a_wrong_clock_knows_the_time_that_stamps_the_events(int secondsAhead)
    {
        var builder = StoreOnlyHost.Of((await Stores.Shared.CreateDatabaseAsync(Stop)).ConnectionString);
        builder.Services.AddSingleton<TimeProvider>(new ShiftedClock(TimeSpan.FromSeconds(secondsAhead)));
        using var host = builder.Build();

        await host.Services.GetRequiredService<StoreContact>().StartAsync(Stop);
        var clock = host.Services.GetRequiredService<StoreClock>();

        // A slow round trip on a busy machine is followed by a faster one.
        await Eventually.HoldsAsync(() =>
            Math.Abs(clock.Ahead.TotalSeconds + secondsAhead) < 1
            && Math.Abs(DateTime.UtcNow.Ticks - clock.NowTicks) < TimeSpan.TicksPerSecond
        );
    }

    /// <summary>A clock whose pauses end when the test says so.</summary>
    private sealed class StepClock() : ShiftedClock(TimeSpan.Zero)
    {
        private readonly ConcurrentQueue<Action> _pauses = new();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _pauses.Enqueue(() => callback(state));
            return new Pause();
        }

        /// <summary>Ends the next pause.</summary>
        public Task StepAsync() =>
            Eventually.HoldsAsync(
                () =>
                {
                    var isThere = _pauses.TryDequeue(out var end);
                    end?.Invoke();
                    return Task.FromResult(isThere);
                },
                "the service pauses"
            );

        private sealed class Pause : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() { }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
