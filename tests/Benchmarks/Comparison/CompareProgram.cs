using System.Diagnostics;
using Benchmarks.Measurements;
using Benchmarks.Servers;
using Harness;
using Harness.Builds;

namespace Benchmarks.Comparison;

/// <summary>The mode <c>compare</c>: measures the current build and a base commit's in turns.</summary>
internal static class CompareProgram
{
    // All measurements take half of it.
    private static readonly TimeSpan MeasureLimit = TimeSpan.FromMinutes(60);

    private static readonly TimeSpan QuietPatience = TimeSpan.FromMinutes(5);

    /// <returns>False if the current build costs more, or has lost an event.</returns>
    public static async Task<bool> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        if (arguments is not [var commit, .. var rest] || commit.StartsWith('-'))
            throw new BenchmarkException("compare needs a commit: compare <commit> [options] [name …]");

        var options = BenchmarkOptions.Parse(rest).ForComparison();

        // 1. Everything that can be wrong with the arguments is found before the build.
        var chosen = Suite.Choose(options.Names, m => m.ComparesBuilds);
        Suite.RequireMachine();

        if (!Repository.IsRelease)
            throw new BenchmarkException("A comparison needs a Release build: dotnet run -c Release …");

        // 2. The base commit is built where nothing else is measured.
        var clock = Stopwatch.StartNew();
        var progress = Suite.ProgressFrom(clock);
        await using var commitToCompare = await BaseCommit.CheckOutAsync(commit, cancellationToken);

        progress($"building {commitToCompare.Name}");
        var build = await commitToCompare.BuildAsync(cancellationToken);

        // 3. Each build has its own stores, since their schemas may differ.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(MeasureLimit);

        try
        {
            return await MeasureAsync(options, build, chosen, clock, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BenchmarkException(
                $"The comparison took more than {MeasureLimit.TotalMinutes} minutes. Name fewer measurements."
            );
        }
    }

    private static async Task<bool> MeasureAsync(
        BenchmarkOptions options,
        ServiceBuild build,
        IReadOnlyList<Measurement> chosen,
        Stopwatch clock,
        CancellationToken cancellationToken
    )
    {
        var progress = Suite.ProgressFrom(clock);
        progress("starting both systems");
        var judged = options.Control ? build with { Name = $"{build.Name}, control" } : ServiceBuild.Current;
        await using var current = await StreamApiPeer.StartAsync(!options.NoFsync, cancellationToken, build: judged);
        await using var before = await StreamApiPeer.StartAsync(!options.NoFsync, cancellationToken, build: build);

        var run = new BenchmarkRun(options, current, [before, current], progress) { Quiet = new(QuietPatience) };
        var report = new ComparisonReport(run, current.Name, before.Name);
        try
        {
            await Suite.WarmUpAsync(run, progress, cancellationToken);
            foreach (var measurement in chosen)
            {
                var load = MachineLoad.Begin();
                await Suite.MeasureAsync([measurement], run, cancellationToken);
                report.Add(measurement, load.ForeignCores());
            }
        }
        finally
        {
            // Writes the results so far after Ctrl+C too.
            await Suite.ReportAsync(run, report.Text(clock.Elapsed), "compare");
        }

        foreach (var wrong in run.Wrong)
            await Console.Error.WriteLineAsync($"FAILED: {wrong}");

        return report.HasPassed && run.Wrong.Count == 0;
    }
}
