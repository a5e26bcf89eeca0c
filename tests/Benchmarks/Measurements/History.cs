using System.Diagnostics;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Reads pages of history, and resumes readers from the store, in a long log and in a short one of the same
/// hundred topics. The rare topic has ten events, evenly spread over the log.</summary>
internal sealed class History : Measurement
{
    private const string Short = "10 k rows";

    private const int Pages = 200;

    private static readonly Read[] Reads =
    [
        new("oldest page", Pages, (log, i, stop) => log.PageAsync(Topic(i), 0, 100, stop)),
        new("newest page", Pages, (log, i, stop) => log.PageAsync(Topic(i), log.Rows - FilledLog.Part, 100, stop)),
        new("pages all over the log", Pages, (log, i, stop) => log.PageAsync(Topic(i), Anywhere(log, i), 100, stop)),
        new("page of a rare topic", Pages, (log, _, stop) => log.PageAsync(LogFill.Rare, 0, 10, stop)),
        new("replay of 1,000 events", 100, (log, _, stop) => log.ReplayAsync(1, stop)),
        new("replay of 1,000 events to 100 readers", 10, (log, _, stop) => log.ReplayAsync(100, stop)),
    ];

    private readonly List<FilledLog> _logs = [];
    private string _long = "10 M rows";

    public History()
        : base("history", $"100 events of a topic, and replay from the store, beside a log of {Short}") =>
        Goals = Reads
            .SelectMany(read => (Metric[])[read.Time, read.Cpu])
            .ToDictionary(metric => metric.Name, _ => Goal.AtMost(1.2, Short));

    public override string Subject => _long;

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        if (_logs.Count == 0)
            await StartAsync(run, cancellationToken);

        foreach (var read in Reads)
        foreach (var log in run.Round % 2 == 1 ? _logs : _logs.AsEnumerable().Reverse())
            await MeasureAsync(run, read, log, cancellationToken);
    }

    public override async ValueTask EndAsync()
    {
        foreach (var log in _logs)
            await log.DisposeAsync();
        _logs.Clear();
    }

    private async Task StartAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        (_long, var rows) = run.Options.Quick ? ("1 M rows", 1_000_000) : ("10 M rows", 10_000_000);
        _logs.Add(await FilledLog.StartAsync(Short, FilledLog.Part, run, cancellationToken));
        _logs.Add(await FilledLog.StartAsync(_long, rows, run, cancellationToken));

        foreach (var log in _logs)
            await FanOut.WarmUpAsync(
                log.Replica,
                async () =>
                {
                    foreach (var read in Reads)
                        await read.RepeatAsync(log, cancellationToken);
                }
            );
    }

    private async Task MeasureAsync(BenchmarkRun run, Read read, FilledLog log, CancellationToken cancellationToken)
    {
        // Lets the work after the streams before finish.
        await Task.Delay(500, cancellationToken);
        var cpu = ProcessStats.Cpu(log.Replica.Processes);
        var times = await read.RepeatAsync(log, cancellationToken);

        run.Record(
            this,
            log.Name,
            (read.Time, Statistics.Median(times)),
            (read.Cpu, (ProcessStats.Cpu(log.Replica.Processes) - cpu) * 1e6 / times.Count)
        );
    }

    private static string Topic(int page) => $"history.{page / 10 % FilledLog.Groups}.{page % 10}";

    private static long Anywhere(FilledLog log, int page) => (log.Rows - FilledLog.Part) * page / Pages;

    /// <summary>A kind of read that is repeated.</summary>
    private sealed record Read(string Name, int Times, Func<FilledLog, int, CancellationToken, Task> RunAsync)
    {
        public Metric Time { get; } = new(Name, "ms");
        public Metric Cpu { get; } = new($"{Name}: CPU of all processes", "µs");

        /// <summary>Returns the milliseconds of each time.</summary>
        public async Task<List<double>> RepeatAsync(FilledLog log, CancellationToken cancellationToken)
        {
            var times = new List<double>();
            for (var i = 0; i < Times; i++)
            {
                var began = Stopwatch.GetTimestamp();
                await RunAsync(log, i, cancellationToken);
                times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }

            return times;
        }
    }
}
