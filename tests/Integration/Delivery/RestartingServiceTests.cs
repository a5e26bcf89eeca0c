using System.Reflection;
using EventStore;
using Harness;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Integration.Delivery;

public sealed class RestartingServiceTests
{
    /// <summary>A background service that is not a RestartingService stops, or ends the process, at the first
    /// unexpected exception. One is to do so, if the schema is another version's.</summary>
    [Theory]
    [InlineData("AspireSse.EventStore")]
    [InlineData("AspireSse.Streaming")]
    [InlineData("AspireSse.Streaming.Engine")]
    [InlineData("AspireSse.Runs")]
    [InlineData("StreamApi")]
    public void Every_background_service_of_ours_lasts(string assembly)
    {
        var services = Assembly
            .Load(assembly)
            .GetTypes()
            .Where(t =>
                t.IsSubclassOf(typeof(BackgroundService))
                && t != typeof(RestartingService)
                && t != typeof(SchemaAgreement)
            )
            .ToList();
        Assert.NotEmpty(services);
        Assert.DoesNotContain(services, t => !t.IsSubclassOf(typeof(RestartingService)));
    }

    [Fact]
    public async Task Failed_work_restarts_and_ends_when_the_service_stops()
    {
        using var service = new Failing();
        await service.StartAsync(TestContext.Current.CancellationToken);
        await service.BegunTwice.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        await service.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(service.ExecuteTask!.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Parts_of_one_work_end_with_the_first_that_fails()
    {
        using var service = new Torn();
        await service.StartAsync(TestContext.Current.CancellationToken);
        await service.Ended.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        await service.StopAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>In a host that is disposed without a stop, what a loop uses may be gone before the loop is.</summary>
    [Fact]
    public async Task What_a_loop_meets_after_it_was_told_to_stop_is_no_news()
    {
        using var lines = new WarningLines();
        using var service = new Stopped(lines);
        await service.StartAsync(TestContext.Current.CancellationToken);
        await service.Begun.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        await service.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(service.ExecuteTask!.IsCompletedSuccessfully);

        var source = NpgsqlDataSource.Create("Host=localhost");
        await source.DisposeAsync();
        using var loggers = LoggerFactory.Create(builder => builder.AddProvider(lines));
        var retention = new Retention(
            source,
            Options.Create(new EventStoreOptions()),
            TimeProvider.System,
            loggers.CreateLogger<Retention>()
        );
        await Assert.ThrowsAnyAsync<Exception>(() => retention.RunAsync(new(canceled: true)));

        Assert.Empty(lines.Texts);
    }

    private sealed class Stopped(ILogger logger) : RestartingService(logger, TimeProvider.System)
    {
        public TaskCompletionSource Begun { get; } = new();

        protected override async Task RunAsync(CancellationToken stoppingToken)
        {
            Begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new NpgsqlException("the connection is gone");
        }
    }

    private sealed class Failing() : RestartingService(NullLogger.Instance, TimeProvider.System)
    {
        private int _begun;

        public TaskCompletionSource BegunTwice { get; } = new();

        protected override Task RunAsync(CancellationToken stoppingToken)
        {
            if (++_begun == 1)
                throw new InvalidOperationException("nobody foresaw this");
            BegunTwice.SetResult();
            return Task.Delay(Timeout.Infinite, stoppingToken);
        }
    }

    private sealed class Torn() : RestartingService(NullLogger.Instance, TimeProvider.System)
    {
        public TaskCompletionSource Ended { get; } = new();

        protected override Task RunAsync(CancellationToken stoppingToken) =>
            TogetherAsync(stoppingToken, FailAsync, WaitAsync);

        private static async Task FailAsync(CancellationToken cancellationToken)
        {
            await Task.Yield();
            throw new InvalidOperationException("nobody foresaw this");
        }

        private async Task WaitAsync(CancellationToken cancellationToken)
        {
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            finally
            {
                Ended.TrySetResult();
            }
        }
    }
}
