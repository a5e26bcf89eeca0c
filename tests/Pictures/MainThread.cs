using System.Globalization;
using Harness;
using static Microsoft.Playwright.Assertions;

namespace Pictures;

/// <summary>Measures how busy the list of connections keeps the page's main thread, while each of ten thousand rows
/// changes every second.</summary>
internal static class MainThread
{
    private const int Connections = 10_000;
    private const string Topic = "pages.load";
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    public static async Task MeasureAsync(MeasuredSystem system, Camera camera)
    {
        await system.SubscribeAsync(Topic, Connections);
        using var stop = new CancellationTokenSource();
        var publishing = PublishAsync(system, stop.Token);

        var page = await camera.ShowAsync(system.Page("/connections?sort=-delivered"), height: 900);
        await Camera.ShowsAtLeastAsync(page, "#open", Connections);
        await Expect(page.Locator("#rows .p99").First).Not.ToHaveTextAsync("–");
        // The map of the connections is described anew with each update.
        await page.EvaluateAsync(
            """
            () => {
              window.updates = 0;
              const map = document.getElementById('heat');
              new MutationObserver(() => updates++).observe(map, { attributeFilter: ['aria-label'] });
            }
            """
        );

        var before = await UpdatesAsync();
        var trace = await camera.TraceAsync(["toplevel"], () => Task.Delay(Window));
        var updates = await UpdatesAsync() - before;

        await stop.CancelAsync();
        await publishing;

        var (busy, cpu) = trace.Busiest("CrRendererMain");
        var (workerBusy, workerCpu) = trace.Busiest("DedicatedWorker thread");
        Console.WriteLine(ProcessStats.Describe());
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Connections} connections, {updates} updates in {Window.TotalSeconds} s: "
                    + $"main thread {busy:P1} busy, {cpu:P1} on a processor; "
                    + $"worker {workerBusy:P1} busy, {workerCpu:P1} on a processor"
            )
        );

        Task<int> UpdatesAsync() => page.EvaluateAsync<int>("updates");
    }

    private static async Task PublishAsync(MeasuredSystem system, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            do await system.PublishAsync(Topic);
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException)
        { /* measured */
        }
    }
}
