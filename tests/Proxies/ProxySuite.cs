using System.Text;
using Harness;
using LocalServices;
using Measuring;
using Xunit.Sdk;

namespace Proxies;

/// <summary>Runs StreamApi behind each proxy and prints what was seen. A proxy that fails costs its own rows.</summary>
internal sealed class ProxySuite(IReadOnlyList<ProxyProgram> programs, CancellationToken stop)
{
    private readonly List<ProxyRow> _rows = [];
    private readonly Dictionary<string, string> _compression = [];
    private readonly Dictionary<string, string> _versions = [];

    public async Task RunAsync()
    {
        Report("Starting Postgres, Redis, a Broadcaster and two replicas");
        await using var product = await Product.StartAsync(stop);

        var direct = new ProxyRow("none", null, "–")
        {
            Silence = "–",
            Departed = "–",
            Death = "–",
        };
        _rows.Add(direct);
        await TryAsync(
            direct,
            () => new LoadedChecks(product).MeasureAsync(direct, product.Replica.Url, http2: null, stop)
        );

        foreach (var program in programs)
            await MeasureAsync(program, product);
        await WaitAsync(product);

        Console.WriteLine(Table());
    }

    private async Task MeasureAsync(ProxyProgram program, Product product)
    {
        var checks = new LoadedChecks(product);
        foreach (var configured in (Configured[])[Configured.Plain, Configured.Mended])
        {
            var row = new ProxyRow(
                program.Name,
                configured,
                configured == Configured.Plain ? program.TotalAge : program.MendedAge ?? program.TotalAge
            );
            _rows.Add(row);
            Report(row.Title);

            await TryAsync(
                row,
                async () =>
                {
                    _versions[program.Name] = VersionOf(program);
                    await using var proxy = await StartAsync(program, configured, product.Replica);
                    await checks.MeasureAsync(row, proxy.Url, proxy.Http2, stop);
                }
            );
        }

        var compressing = new ProxyRow(program.Name, Configured.Compressing, "");
        Report(compressing.Title);
        await TryAsync(
            compressing,
            async () =>
            {
                await using var proxy = await StartAsync(program, Configured.Compressing, product.Replica);
                _compression[program.Name] = await checks.CompressionAsync(proxy.Url, stop);
            }
        );
        if (compressing.Failure is { } failure)
            _compression[program.Name] = failure;
    }

    private async Task WaitAsync(Product product)
    {
        Report("Silence and departed clients, all at once: 90 s");
        var (before, silent) = (new Dictionary<ProxyRow, RunningProxy>(), new Dictionary<ProxyRow, RunningProxy>());
        try
        {
            foreach (var row in _rows.Where(r => r is { Configured: not null, Failure: null }))
                await TryAsync(
                    row,
                    async () =>
                    {
                        var program = programs.Single(p => p.Name == row.Name);
                        before[row] = await StartAsync(program, row.Configured!.Value, product.Replica);
                        silent[row] = await StartAsync(program, row.Configured!.Value, product.Silent);
                    }
                );

            var checks = new QuietChecks(product);
            await Task.WhenAll([
                .. before.Select(p => TryAsync(p.Key, () => checks.DepartureAsync(p.Key, p.Value.Url, stop))),
                .. silent.Select(p => TryAsync(p.Key, () => QuietChecks.SilenceAsync(p.Key, p.Value.Url))),
            ]);

            Report("A replica dies");
            var opened = silent.Select(p => (Row: p.Key, Waiting: QuietChecks.DeathAsync(p.Key, p.Value.Url))).ToList();
            foreach (var (row, waiting) in opened)
                await TryAsync(row, () => waiting);
            product.Silent.Process.Kill();
            await Task.WhenAll(
                opened
                    .Where(o => o.Waiting.IsCompletedSuccessfully)
                    .Select(o => TryAsync(o.Row, () => o.Waiting.Result()))
            );
        }
        finally
        {
            await Task.WhenAll(before.Values.Concat(silent.Values).Select(p => p.DisposeAsync().AsTask()));
        }
    }

    private Task<RunningProxy> StartAsync(ProxyProgram program, Configured configured, RunningService replica) =>
        RunningProxy.StartAsync(program, configured, replica.Url, stop);

    /// <summary>Keeps a failure as the row's, unless the program is to stop.</summary>
    private async Task TryAsync(ProxyRow row, Func<Task> measure)
    {
        try
        {
            await measure().WaitAsync(stop);
        }
        catch (Exception e)
            when (!stop.IsCancellationRequested
                && e
                    is LocalServicesException
                        or BenchmarkException
                        or HttpRequestException
                        or IOException
                        or TimeoutException
                        or OperationCanceledException
                        or XunitException
            )
        {
            row.Failure = $"failed: {e.Message.ReplaceLineEndings(" ")}";
            Report($"{row.Title} {row.Failure}");
        }
    }

    private static string VersionOf(ProxyProgram program)
    {
        var found = program.Find();
        var said = Command.Run(found.File, [program.Version], libraries: found.Libraries)?.Output ?? "";
        return said.Split('\n')[0].Trim();
    }

    private string Table()
    {
        var text = new StringBuilder();
        text.AppendLine($"\n{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC; {ProcessStats.Describe()}\n");
        AppendRow(text, ProxyRow.Heads);
        AppendRow(text, [.. ProxyRow.Heads.Select(_ => "---")]);

        foreach (var row in _rows)
            AppendRow(text, row.Cells);

        text.AppendLine();
        AppendRow(text, ["proxy", "version", "if it compresses streams"]);
        AppendRow(text, ["---", "---", "---"]);
        foreach (var (name, version) in _versions)
            AppendRow(text, [name, version, _compression.GetValueOrDefault(name, "")]);

        return text.ToString();
    }

    private static void AppendRow(StringBuilder text, IEnumerable<string> cells) =>
        text.AppendLine($"| {string.Join(" | ", cells)} |");

    private static void Report(string what) => Console.Error.WriteLine($"{DateTime.Now:HH:mm:ss} {what}");
}
