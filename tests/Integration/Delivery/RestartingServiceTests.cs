using System.Reflection;
using EventStore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

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
