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
        using var host = StoreHost.Of(database.ConnectionString).Build();
        var clock = new StepClock();
        using var contact = new StoreContact(
            host.Services.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Feed),
            host.Services,
            Options.Create(new EventStoreOptions { UnhealthySeconds = 5 }),
            host.Services.GetRequiredService<IMeterFactory>(),
            clock,
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
