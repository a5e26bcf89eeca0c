using System.Net;

namespace Adopter.Middleware;

/// <summary>Runs, whose streams have an end, beside each middleware.</summary>
public sealed class RunHouseTests : IAsyncLifetime
{
    private string _database = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Without takeover of connections: the stream then lasts as long as its request.</summary>
    public static TheoryData<string> Rows =>
        [
            .. MiddlewareTable
                .Rows.Where(row => !row.TakesOver)
                .Select(row => row.House.Name)
                .Where(name => name != "HTTP/2"),
        ];

    public async ValueTask InitializeAsync() =>
        _database = (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task A_run_reaches_its_end_and_is_read_again_from_its_beginning(string middleware)
    {
        var goOn = new TaskCompletionSource();
        await using var house = await RunningHouse.StartWithRunsAsync(
            MiddlewareTable.Named(middleware),
            _database,
            async (run, stop) =>
            {
                await run.AppendAsync("step", 1);
                await goOn.Task.WaitAsync(stop);
                await run.AppendAsync("step", 2);
            }
        );
        await house.BeginRunAsync();

        await using var first = await house.OpenAsync("/run");
        await first.WaitForEventsAsync(1);

        if (middleware == MiddlewareTable.RequestTimeouts.Name)
            using (var slow = await house.GetAsync("/slow"))
                Assert.Equal(HttpStatusCode.GatewayTimeout, slow.StatusCode);

        goOn.SetResult();
        await first.WaitForEndAsync();
        Assert.Equal(["step", "step", "end"], first.Events.Select(e => e.Event));

        await using var again = await house.OpenAsync("/run");
        await again.WaitForEndAsync();
        Assert.Equal(first.Events, again.Events);
        Assert.Null(again.Response.Headers.Age);

        using var has = await house.GetAsync("/run", first.LastId);
        Assert.Equal(HttpStatusCode.NoContent, has.StatusCode);
    }
}
