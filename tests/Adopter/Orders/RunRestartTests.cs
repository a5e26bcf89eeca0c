using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Harness;
using Microsoft.Extensions.AI;
using Npgsql;

namespace Adopter.Orders;

/// <summary>Runs of a handler, which another process goes on with when theirs is lost.</summary>
public sealed class RunRestartTests : IAsyncLifetime
{
    private const int Pages = 4;

    /// <summary>A short lease, and no grace at shutdown.</summary>
    private static readonly string[] Quick =
    [
        "--AspireSse:Runs:LeaseSeconds",
        "3",
        "--AspireSse:Runs:DrainSeconds",
        "0",
    ];

    private readonly Guid _id = Guid.NewGuid();

    private string _database = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Report => $"/reports/{_id}";

    public async ValueTask InitializeAsync() =>
        _database = (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>The process lives on without its Postgres, as after a kill, and comes back.</summary>
    [Fact]
    public async Task A_run_whose_process_is_lost_goes_on_in_another_one_and_the_lost_one_writes_nothing_more()
    {
        await using var link = FaultyLink.To(_database, out var through);
        await using var other = await StartAsync(Pages);
        var lost = new Model(pages: 1);
        await using var dying = await StartAsync(lost, through);

        await OrderAsync(dying);
        await using var reader = await SseReader.OpenAsync(other.Server, Report);
        await reader.WaitForEventsAsync(1);
        link.Cut();
        lost.Allow(Pages);
        await reader.WaitForEndAsync();

        Assert.Equal(["1 of 1", "restarted 2", "2 of 2", "3 of 2", "4 of 2", "end"], EventsOf(reader));
        link.Heal();
        await Eventually.HoldsAsync(async () =>
        {
            var another = $"/reports/{Guid.NewGuid()}";
            using var back = await dying.Client.PutAsJsonAsync(another, new ReportOrder("orders", 0), Stop);
            return back.StatusCode == HttpStatusCode.Accepted;
        });

        await using var again = await SseReader.OpenAsync(other.Server, Report);
        await again.WaitForEndAsync();
        Assert.Equal(reader.Events, again.Events);
    }

    [Fact]
    public async Task A_run_that_is_not_complete_at_the_end_of_a_shutdown_s_grace_goes_on_in_another_process()
    {
        await using var other = await StartAsync(Pages);
        await using var leaving = await StartAsync(2);
        await OrderAsync(leaving);
        await using var reader = await SseReader.OpenAsync(other.Server, Report);
        await reader.WaitForEventsAsync(2);

        await leaving.App.StopAsync(Stop);
        await reader.WaitForEndAsync();

        Assert.Equal(["1 of 1", "2 of 1", "restarted 2", "3 of 2", "4 of 2", "end"], EventsOf(reader));
    }

    [Fact]
    public async Task The_only_process_goes_on_with_its_runs_after_its_restart()
    {
        await using (var before = await StartAsync(2))
        {
            await OrderAsync(before);
            await using var early = await SseReader.OpenAsync(before.Server, Report);
            await early.WaitForEventsAsync(2);
        }

        await using var after = await StartAsync(Pages);
        await using var reader = await SseReader.OpenAsync(after.Server, Report);
        await reader.WaitForEndAsync();

        Assert.Equal(["1 of 1", "2 of 1", "restarted 2", "3 of 2", "4 of 2", "end"], EventsOf(reader));
    }

    /// <summary>In Development the host also builds each service that is registered.</summary>
    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task A_worker_without_a_server_goes_on_with_the_runs_of_a_lost_process(string environment)
    {
        await using (var before = await StartAsync(2))
        {
            await OrderAsync(before);
            await using var early = await SseReader.OpenAsync(before.Server, Report);
            await early.WaitForEventsAsync(2);
        }

        string[] settings = ["--environment", environment, "--ConnectionStrings:orders", _database];
        var builder = Host.CreateApplicationBuilder([.. Quick, .. settings]);
        builder
            .AddEventStore("orders")
            .AddSse()
            .AddSseRuns(runs => runs.AddHandler<ReportOrder>("report", ReportsApi.WriteAsync));
        builder.Services.AddSingleton(new Model(Pages).Client);
        using var worker = builder.Build();
        await worker.StartAsync(Stop);

        var log = worker.Services.GetRequiredService<IEventLog>();
        await Eventually.HoldsAsync(async () => (await log.ReadAsync(new(), Stop)).Events[^1].Type == "end");
        await worker.StopAsync(Stop);

        await using var after = await StartAsync(0);
        await using var reader = await SseReader.OpenAsync(after.Server, Report);
        await reader.WaitForEndAsync();
        Assert.Equal(["1 of 1", "2 of 1", "restarted 2", "3 of 2", "4 of 2", "end"], EventsOf(reader));
    }

    [Fact]
    public async Task A_run_that_loses_its_process_again_and_again_is_interrupted_after_its_last_attempt()
    {
        string[] settings = ["--AspireSse:Runs:MaxAttempts", "2"];
        await using var first = await StartAsync(new Model(pages: 1), _database, settings);
        await OrderAsync(first);
        await using (var early = await SseReader.OpenAsync(first.Server, Report))
            await early.WaitForEventsAsync(1);
        await first.App.StopAsync(Stop);

        await using var second = await StartAsync(new Model(pages: 2), _database, settings);
        await using (var early = await SseReader.OpenAsync(second.Server, Report))
            await early.WaitForEventsAsync(3);
        await second.App.StopAsync(Stop);

        await using var third = await StartAsync(Pages);
        await using var reader = await SseReader.OpenAsync(third.Server, Report);
        await reader.WaitForEndAsync();
        Assert.Equal(["1 of 1", "restarted 2", "2 of 2", "interrupted"], EventsOf(reader));
    }

    [Fact]
    public async Task A_run_that_is_cancelled_while_it_has_no_process_ends_as_cancelled()
    {
        await using (var before = await StartAsync(1))
        {
            await OrderAsync(before);
            await using var early = await SseReader.OpenAsync(before.Server, Report);
            await early.WaitForEventsAsync(1);
        }

        await using var after = await StartAsync(Pages);
        using var cancelled = await after.Client.DeleteAsync(Report, Stop);
        Assert.Equal(HttpStatusCode.Accepted, cancelled.StatusCode);

        await using var reader = await SseReader.OpenAsync(after.Server, Report);
        await reader.WaitForEndAsync();
        Assert.Equal(["1 of 1", "restarted 2", "cancelled"], EventsOf(reader));
    }

    /// <summary>The application no longer has the handler.</summary>
    [Fact]
    public async Task A_run_whose_handler_no_process_knows_is_interrupted_after_a_minute()
    {
        await using var before = await StartAsync(1);
        await OrderAsync(before);
        await using (var early = await SseReader.OpenAsync(before.Server, Report))
            await early.WaitForEventsAsync(1);

        await using var source = NpgsqlDataSource.Create(_database);
        await ExecuteAsync(source, "update eventstore.runs set handler = 'retired'");
        await before.App.StopAsync(Stop);

        await using var after = await StartAsync(Pages);
        await Eventually.HoldsAsync(() =>
            ExecuteAsync(source, "select from eventstore.runs where writer = '00000000-0000-0000-0000-000000000000'")
        );
        await ExecuteAsync(source, "update eventstore.runs set started_at = started_at - interval '1 minute'");

        await using var reader = await SseReader.OpenAsync(after.Server, Report);
        await reader.WaitForEndAsync();
        Assert.Equal(["1 of 1", "interrupted"], EventsOf(reader));
    }

    [Fact]
    public async Task A_handler_starts_once_for_a_topic_and_an_unknown_one_never()
    {
        await using var orders = await StartAsync(Pages);
        await OrderAsync(orders);
        using var again = await orders.Client.PutAsJsonAsync(Report, new ReportOrder("orders", Pages), Stop);
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);

        var runs = orders.App.Services.GetRequiredService<IRuns>();
        await Assert.ThrowsAsync<ArgumentException>(() => runs.StartAsync($"reports.{_id}", "unknown", 1, Stop));
        await Assert.ThrowsAsync<ArgumentException>(() => runs.StartAsync("reports", "report", 1, Stop));
    }

    [Fact]
    public void A_name_is_one_handler_s() =>
        Assert.Throws<ArgumentException>(() =>
            WebApplication
                .CreateBuilder()
                .AddEventStore("orders")
                .AddSse()
                .AddSseRuns(runs =>
                    runs.AddHandler<int>("a", (_, _, _, _) => Task.CompletedTask)
                        .AddHandler<int>("a", (_, _, _, _) => Task.CompletedTask)
                )
        );

    /// <summary>Three processes at a time; each kill is a cut from Postgres, and the killed one lives on.</summary>
    [Fact]
    public async Task After_10_kills_each_of_100_runs_has_each_page_once_and_one_end()
    {
        const int kills = 10,
            runs = 100,
            pages = 2 * kills;
        string[] settings = ["--AspireSse:Runs:LeaseSeconds", "2", "--AspireSse:Runs:MaxAttempts", "1000"];
        var allowed = new Model(pages: 1);
        var processes = new List<(RunningOrders Orders, FaultyLink Link)>();
        await using var source = NpgsqlDataSource.Create(_database);
        var ids = Enumerable.Range(0, runs).Select(_ => Guid.NewGuid()).ToArray();

        try
        {
            for (var i = 0; i < 3; i++)
                await AddAsync();

            await Task.WhenAll(
                ids.Select((id, i) => BeginAsync(processes[i % 3].Orders, id, new ReportOrder("orders", pages)))
            );

            for (var kill = 1; kill <= kills; kill++)
            {
                allowed.Allow(2 * kill);
                // The oldest of the three that live.
                processes[^3].Link.Cut();
                await AddAsync();
            }

            allowed.Allow(pages);
            var last = processes[^1].Orders;
            var reads = await Task.WhenAll(
                ids.Select(async id =>
                {
                    await using var reader = await SseReader.OpenAsync(last.Server, $"/reports/{id}");
                    await reader.WaitForEndAsync();
                    return EventsOf(reader).ToArray();
                })
            );

            Assert.All(
                reads,
                events =>
                {
                    Assert.Equal(
                        Enumerable.Range(1, pages).Select(page => $"{page}"),
                        events.Where(e => e.Contains(" of ")).Select(e => e[..e.IndexOf(' ')])
                    );
                    Assert.Equal(["end"], events.Where(e => e is "end" or "interrupted" or "failed"));
                    Assert.Equal("end", events[^1]);
                }
            );
            Assert.InRange(reads.Sum(all => all.Count(e => e.StartsWith("restarted "))), runs, kills * runs);
            // The killed ones come back, and nothing follows the ends.
            foreach (var (_, link) in processes)
                link.Heal();
        }
        finally
        {
            foreach (var (orders, link) in processes)
            {
                await orders.DisposeAsync();
                await link.DisposeAsync();
            }
        }

        Assert.Equal(
            (long)runs,
            await CountAsync(source, "select count(*) from eventstore.events where type in ('end', 'error')")
        );

        async Task AddAsync()
        {
            var link = FaultyLink.To(_database, out var through);
            processes.Add((await StartAsync(allowed, through, settings), link));
        }
    }

    private Task<RunningOrders> StartAsync(int pages) => StartAsync(new Model(pages), _database);

    private static Task<RunningOrders> StartAsync(Model model, string database, params string[] settings) =>
        RunningOrders.StartAsync(model.Client, database, [.. Quick, .. settings]);

    /// <summary>Begins a report, also if the process loses its short lease for a moment, as on a slow
    /// machine.</summary>
    private static async Task BeginAsync(RunningOrders orders, Guid id, ReportOrder order)
    {
        HttpStatusCode[] begun = [HttpStatusCode.Accepted];
        await Eventually.HoldsAsync(
            async () =>
            {
                using var answer = await orders.Client.PutAsJsonAsync($"/reports/{id}", order, Stop);
                if (answer.StatusCode is HttpStatusCode.InternalServerError)
                {
                    // It may have begun nevertheless.
                    begun = [HttpStatusCode.Accepted, HttpStatusCode.Conflict];
                    return false;
                }

                Assert.Contains(answer.StatusCode, begun);
                return true;
            },
            "the report is begun"
        );
    }

    private async Task OrderAsync(RunningOrders orders)
    {
        using var accepted = await orders.Client.PutAsJsonAsync(Report, new ReportOrder("orders", Pages), Stop);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
    }

    /// <summary>Returns true if rows were changed or found.</summary>
    private static async Task<bool> ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync(Stop);
        return row.HasRows || row.RecordsAffected > 0;
    }

    private static async Task<object?> CountAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Stop);
    }

    private static IEnumerable<string> EventsOf(SseReader reader) =>
        reader.Events.Select(e =>
        {
            var data = JsonDocument.Parse(e.Data!).RootElement;
            return e.Event switch
            {
                "page" => $"{data.GetProperty("page")} of {data.GetProperty("attempt")}",
                "restarted" => $"restarted {data.GetProperty("attempt")}",
                "error" => data.GetProperty("reason").GetString()!,
                _ => e.Event!,
            };
        });

    /// <summary>Writes the pages that it may, and waits before the next one.</summary>
    private sealed class Model
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource _more = New();
        private int _pages;

        public Model(int pages)
        {
            _pages = pages;
            Client = new ScriptedChatClient((messages, _, stop) => WriteAsync(messages.Last().Text, stop));
        }

        public IChatClient Client { get; }

        public void Allow(int pages)
        {
            TaskCompletionSource waited;
            lock (_gate)
            {
                _pages = pages;
                waited = _more;
                _more = New();
            }

            waited.SetResult();
        }

        private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

        private async IAsyncEnumerable<ChatResponseUpdate> WriteAsync(
            string question,
            [EnumeratorCancellation] CancellationToken stop
        )
        {
            var page = int.Parse(question.Split(' ')[^1]);
            while (true)
            {
                Task more;
                lock (_gate)
                {
                    if (page <= _pages)
                        break;
                    more = _more.Task;
                }

                await more.WaitAsync(stop);
            }

            yield return new ChatResponseUpdate(ChatRole.Assistant, question);
        }
    }
}
