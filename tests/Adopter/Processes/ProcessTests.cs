using Adopter.Showing;
using AspireSse.Server;

namespace Adopter.Processes;

/// <summary>Agreements of several processes of an application, and a loop that outlives its failures.</summary>
public sealed class ProcessTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_process_holds_a_lease_and_its_successor_gets_a_greater_fence()
    {
        await using var apps = await TwoAsync();
        var one = apps.A.Services.GetRequiredService<LeaderLease>();
        var other = apps.B.Services.GetRequiredService<LeaderLease>();

        var fence = await one.HoldAsync("report", "a", Minute, Stop);
        Assert.NotNull(fence);
        Assert.Null(await other.HoldAsync("report", "b", Minute, Stop));
        Assert.Equal(fence, await one.HoldAsync("report", "a", Minute, Stop));

        await one.ReleaseAsync("report", fence.Value, Stop);
        Assert.True(await other.HoldAsync("report", "b", Minute, Stop) > fence);
    }

    [Fact]
    public async Task A_lease_is_its_holders_however_short_a_lease_another_process_asks_for()
    {
        await using var apps = await TwoAsync();
        var one = apps.A.Services.GetRequiredService<LeaderLease>();
        var other = apps.B.Services.GetRequiredService<LeaderLease>();

        Assert.NotNull(await one.HoldAsync("report", "a", Minute, Stop));
        Assert.Null(await other.HoldAsync("report", "b", TimeSpan.FromSeconds(1), Stop));
        Assert.NotNull(await one.HoldAsync("report", "a", TimeSpan.FromMilliseconds(100), Stop));
    }

    [Fact]
    public async Task Every_process_learns_that_one_has_a_reader_and_for_how_long()
    {
        await using var apps = await TwoAsync();
        var here = apps.A.Services.GetRequiredService<TopicPresence>();
        var there = apps.B.Services.GetRequiredService<TopicPresence>();
        Assert.False(await here.IsReadAsync("ticks.1", Minute, Stop));

        await using (await SseReader.OpenAtAsync(apps.A.Server, "/ticks/1"))
        {
            Assert.True(await here.IsReadAsync("ticks.1", Minute, Stop));
            Assert.Equal(["ticks.1"], here.ReadHere($"ticks.*"));
            Assert.True(await there.IsReadAsync("ticks.1", Minute, Stop));
            Assert.Empty(there.ReadHere($"ticks.*"));
        }

        await Eventually.HoldsAsync(() => here.ReadHere($"ticks.*").Count == 0, "the reader has gone");
        Assert.True(await here.IsReadAsync("ticks.1", Minute, Stop));
        Assert.False(await here.IsReadAsync("ticks.1", TimeSpan.Zero, Stop));
    }

    [Fact]
    public async Task A_restarting_service_begins_again_after_a_failure()
    {
        await using var app = await SmallApp.StartAsync(
            _ => { },
            builder =>
            {
                builder.Services.AddSingleton<Failing>();
                builder.Services.AddHostedService(services => services.GetRequiredService<Failing>());
            }
        );

        await app.Services.GetRequiredService<Failing>().Second.Task.WaitAsync(Minute, Stop);
        Assert.Contains(app.Lines, line => line.Error?.Message == "The first time.");
    }

    [Fact]
    public async Task A_repeated_request_has_the_id_of_the_first_one()
    {
        await using var apps = await TwoAsync();
        var key = Guid.NewGuid().ToString();
        var first = await OrderAsync(apps.A, key, "tea");
        Assert.Equal(first, await OrderAsync(apps.B, key, "tea"));
        Assert.NotEqual(first, await OrderAsync(apps.B, Guid.NewGuid().ToString(), "tea"));
        Assert.Contains(
            "was used for another request",
            await OrderAsync(apps.B, key, "gold"),
            StringComparison.Ordinal
        );
    }

    /// <summary>Each tenant of an application may have a path base of its own.</summary>
    [Fact]
    public async Task A_key_is_of_one_address_also_where_only_the_path_base_differs()
    {
        await using var apps = await TwoAsync();
        var key = Guid.NewGuid().ToString();
        var first = await OrderAsync(apps.A, key, "tea", "/tenant-a");
        Assert.Equal(first, await OrderAsync(apps.B, key, "tea", "/tenant-a"));
        Assert.Contains(
            "was used for another request",
            await OrderAsync(apps.A, key, "tea", "/tenant-b"),
            StringComparison.Ordinal
        );
    }

    private static async Task<string> OrderAsync(SmallApp app, string key, string article, string pathBase = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{pathBase}/orders?article={article}");
        request.Headers.Add(IdempotencyKey.Header, key);
        using var response = await app.Client.SendAsync(request, Stop);
        return await response.Content.ReadAsStringAsync(Stop);
    }

    private static async Task<Two> TwoAsync()
    {
        var database = (await Stores.Shared.CreateDatabaseAsync(Stop)).ConnectionString;
        return new Two(await SmallApp.StartAsync(Map, null, database), await SmallApp.StartAsync(Map, null, database));
    }

    private static void Map(WebApplication app)
    {
        app.UsePathBase("/tenant-a");
        app.UsePathBase("/tenant-b");
        app.UseRouting();

        app.MapGet("/ticks/{id}", (string id) => TypedResults.EventStream($"ticks.{id}")).AllowAnonymous();
        app.MapPost(
                "/orders",
                async (HttpContext context, string article) => await IdempotencyKey.IdAsync(context, () => article)
            )
            .TakesIdempotencyKey()
            .RefusesErrors();
    }

    private sealed record Two(SmallApp A, SmallApp B) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await A.DisposeAsync();
            await B.DisposeAsync();
        }
    }

    private sealed class Failing(TimeProvider clock, ILogger<Failing> logger) : RestartingService(logger, clock)
    {
        private int _times;

        public TaskCompletionSource Second { get; } = new();

        protected override Task RunAsync(CancellationToken stoppingToken) =>
            ++_times == 1 ? throw new InvalidOperationException("The first time.") : Done();

        private Task Done()
        {
            Second.SetResult();
            return Task.CompletedTask;
        }
    }
}
