using Adopter.Showing;

namespace Adopter.Items;

/// <summary>Work of a run that ignores its token.</summary>
public sealed class WorkTests : IAsyncLifetime
{
    private readonly TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SmallApp _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _app = await SmallApp.StartAsync(
            app => app.MapGet("/run", () => TypedResults.RunStream("run.1")).AllowAnonymous(),
            builder => builder.AddSseRuns(),
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString
        );

    public ValueTask DisposeAsync()
    {
        _next.TrySetResult();
        return _app.DisposeAsync();
    }

    [Fact]
    public async Task Work_that_ignores_its_token_keeps_no_reader_and_appends_nothing_after_the_end()
    {
        var left = new TaskCompletionSource<Exception?>();
        var runs = _app.Services.GetRequiredService<IRuns>();
        await runs.StartAsync(
            "run.1",
            async (run, stop) =>
            {
                // Nor does the one who cancels wait for a callback of the work.
                await using var registration = stop.Register(() => _next.Task.Wait(CancellationToken.None));
                await run.AppendAsync("step", 1);
                await _next.Task;
                left.SetResult(await Record.ExceptionAsync(() => run.AppendAsync("step", 2)));
            }
        );

        await using var reader = await SseReader.OpenAsync(_app.Server, "/run");
        await reader.WaitForEventsAsync(1);
        Assert.True(await runs.CancelAsync("run.1"));
        await reader.WaitForEndAsync();
        Assert.Equal(["step", "error"], reader.Events.Select(e => e.Event));
        Assert.Contains("\"cancelled\"", reader.Events.Last().Data);

        _next.SetResult();
        Assert.NotNull(await left.Task);
        await using var late = await SseReader.OpenAsync(_app.Server, "/run").ToEndAsync();
        Assert.Equal(reader.Events, late.Events);
    }
}
