using System.Transactions;

namespace Adopter.Appending;

/// <summary>Appends before the host starts, such as seed data, and after it has stopped.</summary>
public sealed class HostLifetimeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Seed_data_is_stored_between_EnsureSchema_and_Run()
    {
        await using var app = LogApp.Build((await Stores.Shared.CreateDatabaseAsync(Stop)).ConnectionString);
        await app.EnsureSchemaAsync(Stop);

        // As its caller's ambient transaction ends, so would a log that works in it.
        using (new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
            await app.Log().AppendAsync("seed.1", "n", 1, cancellationToken: Stop).WaitAsync(Limit, Stop);

        await app.StartAsync(Stop);
        await app.Log().AppendAsync("seed.1", "n", 2, cancellationToken: Stop).WaitAsync(Limit, Stop);

        // A page may end before the head.
        var stored = new List<string>();
        for (EventPage? page = null; page is null || page.Next != page.Head; )
        {
            page = await app.Log().ReadAsync(new() { After = page?.Next, Filter = new EventFilter(["seed.1"]) }, Stop);
            stored.AddRange(page.Events.Select(e => System.Text.Encoding.UTF8.GetString(e.Data.Span)));
        }

        Assert.Equal(["1", "2"], stored);
        await app.StopAsync(Stop);
    }

    [Fact]
    public async Task A_service_that_starts_before_the_log_appends()
    {
        await using var app = LogApp.Build(
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString,
            services => services.AddHostedService<Seeder>()
        );
        await app.StartAsync(Stop).WaitAsync(Limit, Stop);
        Assert.Single((await app.Log().ReadAsync(new(), Stop)).Events);
        await app.StopAsync(Stop);
    }

    [Fact]
    public async Task A_run_before_the_host_says_when_it_can_start()
    {
        await using var app = LogApp.Build((await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString);
        var runs = app.Services.GetRequiredService<IRuns>();
        var early = await Assert.ThrowsAsync<StoreUnavailableException>(() =>
            runs.StartAsync("early.1", (_, _) => Task.CompletedTask).WaitAsync(Limit, Stop)
        );
        Assert.Contains("the host has started", early.Message, StringComparison.Ordinal);

        await app.StartAsync(Stop);
        Assert.True(await runs.StartAsync("early.1", (_, _) => Task.CompletedTask).WaitAsync(Limit, Stop));
        await app.StopAsync(Stop);
    }

    /// <summary>A caller may use its list again once it no longer waits.</summary>
    [Fact]
    public async Task A_list_that_its_caller_changes_meanwhile_costs_nobody()
    {
        await using var app = LogApp.Build((await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString);
        List<NewEvent> list = [new("t.1", "n", "1"), new("t.1", "n", "2")];
        var early = app.Log().AppendAsync(list, Stop);
        list.Clear();

        await app.StartAsync(Stop);
        await app.Log().AppendAsync("t.2", "n", 1, cancellationToken: Stop).WaitAsync(Limit, Stop);
        Assert.Equal(2, (await early.WaitAsync(Limit, Stop)).Count);
        await app.StopAsync(Stop);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_append_or_a_run_after_the_host_has_stopped_throws(bool appendsBefore)
    {
        await using var app = LogApp.Build((await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString);
        await app.StartAsync(Stop);
        if (appendsBefore)
            await app.Log().AppendAsync("t.1", "n", 1, cancellationToken: Stop);
        await app.StopAsync(Stop);

        var late = await Assert.ThrowsAsync<StoreUnavailableException>(() =>
            app.Log().AppendAsync("t.1", "n", 1, cancellationToken: Stop).WaitAsync(Limit, Stop)
        );
        Assert.Contains("stop", late.Message, StringComparison.Ordinal);

        var run = app.Services.GetRequiredService<IRuns>().StartAsync("late.1", (_, _) => Task.CompletedTask);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => run.WaitAsync(Limit, Stop));
    }

    [Fact]
    public async Task An_append_after_the_application_is_disposed_throws()
    {
        var app = LogApp.Build((await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString);
        var log = app.Log();
        await log.AppendAsync("t.1", "n", 1, cancellationToken: Stop).WaitAsync(Limit, Stop);
        await app.DisposeAsync();

        await Assert.ThrowsAsync<StoreUnavailableException>(() =>
            log.AppendAsync("t.1", "n", 1, cancellationToken: Stop).WaitAsync(Limit, Stop)
        );
    }

    private sealed class Seeder(IServiceProvider services) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken) =>
            await services
                .GetRequiredService<IEventLog>()
                .AppendAsync("seed.1", "n", 1, cancellationToken: cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
