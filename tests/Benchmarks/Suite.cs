using System.Diagnostics;
using Benchmarks.Measurements;
using Benchmarks.Reports;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks;

/// <summary>Starts the servers, runs the chosen benchmarks, writes the table and stops the servers.</summary>
internal static class Suite
{
    private static readonly Measurement[] All =
    [
        new FanOut("fanout-20k", subscribers: 1_000, rate: 20, Goal.AtMost(1.0, "Nchan")),
        new FanOut("fanout-50k", subscribers: 1_000, rate: 50, Goal.AtMost(1.0, "Nchan")),
        new FanOut("fanout-100k", subscribers: 1_000, rate: 100, Goal.AtMost(1.0, "Nchan")),
        new FanOut("fanout-200k", subscribers: 1_000, rate: 200, Goal.AtMost(1.3, "Nchan")),
        new FanOut("fanout-5000-subscribers", subscribers: 5_000, rate: 10, Goal.AtMost(1.0, "Nchan")),
        new FanOut("burst", subscribers: 1_000, rate: 0, Goal.AtMost(0.3, "Nchan")),
        new PublishToReceive(),
        new SingleEvents("single", rate: 0),
        new SingleEvents("single-1000", rate: 1_000),
        new Append("append-1-writer", writers: 1, batch: 1, null),
        new Append("append-8-writers", writers: 8, batch: 1, null),
        new Append("append-64-writers", writers: 64, batch: 1, 3_000),
        new Append("append-batches", writers: 4, batch: 500, 20_000),
        new ResumeStorm("resume-from-memory", fromStore: false),
        new ResumeStorm("resume-from-store", fromStore: true),
        new History(),
        new Connects(),
        new Generations(),
        new Allocation(),
        new Bookkeeping(),
        new TakeoverGain(),
        new LibraryDefault(),
        new Memory(),
        new Multitude(),
        new Generator(),
        new Agreement(),
    ];

    public static async Task<bool> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        if (options.List)
        {
            foreach (var measurement in All)
                Console.WriteLine($"{measurement.Name, -26} {measurement.What}");
            return true;
        }

        RequireMachine();
        var chosen = Choose(options.Names, _ => true);

        if (!Repository.IsRelease)
            Console.Error.WriteLine(
                "This is a Debug build, whose values mean nothing. "
                    + "Use: dotnet run -c Release --project tests/Benchmarks"
            );

        var clock = Stopwatch.StartNew();
        var progress = ProgressFrom(clock);
        progress("starting Postgres, Redis, Broadcaster, StreamApi and the peers");

        await using var streamApi = await StreamApiPeer.StartAsync(durable: !options.NoFsync, cancellationToken);
        await using var plain = options.Alone ? null : await PlainPeer.StartAsync(cancellationToken);
        var noNchan = options.Alone ? null : NchanPeer.Find();
        await using var nchan =
            options.Alone || noNchan is not null ? null : await NchanPeer.StartAsync(cancellationToken);
        var noSender = options.Alone ? null : SenderPeer.Compile();
        await using var sender =
            options.Alone || noSender is not null ? null : await SenderPeer.StartAsync(cancellationToken);

        var run = new BenchmarkRun(
            options,
            streamApi,
            [.. new Peer?[] { streamApi, nchan, plain, sender }.OfType<Peer>()],
            progress
        );
        run.Miss("Nchan", noNchan);
        run.Miss(SenderPeer.Title, noSender);
        await WarmUpAsync(run, progress, cancellationToken);

        try
        {
            await MeasureAsync(chosen, run, cancellationToken);
        }
        finally
        {
            // Writes the results so far after Ctrl+C too.
            await ReportAsync(run, Table.Of(run, chosen, clock.Elapsed), "benchmarks");
            progress($"written to {options.ReportFolder}");
        }

        foreach (var wrong in run.Wrong)
            await Console.Error.WriteLineAsync($"FAILED: {wrong}");

        return run.Wrong.Count == 0;
    }

    /// <exception cref="BenchmarkException">This machine cannot run the benchmarks.</exception>
    public static void RequireMachine()
    {
        if (!OperatingSystem.IsLinux())
            throw new BenchmarkException("The benchmarks run on Linux only, because they use /proc and epoll.");
    }

    /// <summary>Returns a method that prints a text after the time of the clock.</summary>
    public static Action<string> ProgressFrom(Stopwatch clock) =>
        text => Console.Error.WriteLine($"{clock.Elapsed.TotalSeconds, 6:F1} s  {text}");

    /// <summary>Returns the measurements with these beginnings of names, or all, of those that are fit.</summary>
    public static Measurement[] Choose(IReadOnlyList<string> names, Func<Measurement, bool> isFit)
    {
        var fit = All.Where(isFit).ToArray();
        if (names.FirstOrDefault(n => !fit.Any(m => IsNamed(m, n))) is { } unknown)
            throw new BenchmarkException(
                $"No benchmark begins with '{unknown}'. There are: {string.Join(", ", fit.Select(m => m.Name))}."
            );

        return [.. fit.Where(m => names.Count == 0 || names.Any(n => IsNamed(m, n)))];

        static bool IsNamed(Measurement measurement, string name) =>
            measurement.Name.StartsWith(name, StringComparison.Ordinal);
    }

    /// <summary>Lets every server compile its code before anything counts.</summary>
    public static async Task WarmUpAsync(BenchmarkRun run, Action<string> progress, CancellationToken cancellationToken)
    {
        foreach (var peer in run.Peers)
        {
            progress($"warming up {peer.Name}");
            await FanOut.WarmUpAsync(run, peer, cancellationToken);
        }
    }

    /// <summary>Prints the table, and writes it and every value into files of this name.</summary>
    public static async Task ReportAsync(BenchmarkRun run, string table, string name)
    {
        var folder = run.Options.ReportFolder;
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, $"{name}.md"), table, CancellationToken.None);
        await File.WriteAllLinesAsync(
            Path.Combine(folder, $"{name}.jsonl"),
            run.Samples.Select(s => s.ToJsonLine()),
            CancellationToken.None
        );
        Console.Write(table);
    }

    /// <summary>Measures all rounds of each measurement.</summary>
    public static async Task MeasureAsync(
        IReadOnlyList<Measurement> chosen,
        BenchmarkRun run,
        CancellationToken cancellationToken
    )
    {
        foreach (var measurement in chosen)
        {
            try
            {
                for (run.Round = 1; run.Round <= run.Options.Rounds; run.Round++)
                    await MeasureAsync(measurement, run, cancellationToken);
            }
            finally
            {
                await measurement.EndAsync();
            }
        }
    }

    private static async Task MeasureAsync(
        Measurement measurement,
        BenchmarkRun run,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await measurement.RunAsync(run, cancellationToken);
        }
        catch (BenchmarkException e)
        {
            run.Wrong.Add($"{measurement.Name}: {e.Message}");
        }
    }
}
