using System.Net;

namespace Adopter.Appending;

/// <summary>A host that stops its services at the same time, not one after another.</summary>
public sealed class ConcurrentStopTests : IAsyncLifetime
{
    private const int Appends = 50;

    private readonly Stopping _stopping = new();
    private WebApplication _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _app = LogApp.Build(
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString,
            services =>
                services
                    .Configure<HostOptions>(host => host.ServicesStopConcurrently = true)
                    // The first service is asked last.
                    .AddHostedService(_ => _stopping)
        );
        _app.MapPost("/late", AppendLateAsync);
        await _app.StartAsync(Stop);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task A_run_has_its_grace_and_its_end_is_stored()
    {
        await _app
            .Services.GetRequiredService<IRuns>()
            .StartAsync(
                "late.1",
                async (run, _) =>
                {
                    await _stopping.Begun;
                    for (var i = 0; i < Appends; i++)
                        await run.AppendAsync("n", i);
                },
                Stop
            );
        await _app.StopAsync(Stop);
        Assert.Equal([.. Enumerable.Repeat("n", Appends), "end"], await TypesOfAsync("late.1"));
    }

    [Fact]
    public async Task A_request_that_the_server_still_answers_appends()
    {
        using var client = new HttpClient { BaseAddress = new Uri(_app.Urls.First()) };
        var answering = client.PostAsync("/late", content: null, Stop);
        await _stopping.Asked;
        await _app.StopAsync(Stop);

        using var answer = await answering;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(Enumerable.Repeat("n", Appends), await TypesOfAsync("late.2"));
    }

    private async Task AppendLateAsync(IEventLog log)
    {
        _stopping.Ask();
        await _stopping.Begun;
        for (var i = 0; i < Appends; i++)
            await log.AppendAsync("late.2", "n", i);
    }

    private async Task<IEnumerable<string>> TypesOfAsync(EventTopic topic)
    {
        var types = new List<string>();

        for (EventPage? page = null; page is null || page.Next != page.Head; )
        {
            page = await _app.Log().ReadAsync(new() { After = page?.Next, Filter = new EventFilter([topic]) }, Stop);
            types.AddRange(page.Events.Select(e => e.Type));
        }

        return types;
    }

    private sealed class Stopping : IHostedService
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when a request waits for the stop.</summary>
        public Task Asked => _asked.Task;

        /// <summary>Completes when the other services have been asked to stop.</summary>
        public Task Begun => _begun.Task;

        public void Ask() => _asked.TrySetResult();

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken)
        {
            _begun.TrySetResult();
            return Task.CompletedTask;
        }
    }
}
