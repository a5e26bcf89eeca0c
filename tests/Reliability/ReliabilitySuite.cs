using System.Diagnostics;
using Harness;
using LocalServices;
using Reliability.Failover;

namespace Reliability;

/// <summary>Runs the chosen checks one after the other.</summary>
internal sealed class ReliabilitySuite(ReliabilityOptions options) : IAsyncDisposable
{
    /// <summary>The folder for the complete results of each row: percentiles, publishing, connecting.</summary>
    public static readonly string Folder = Path.Combine(Repository.Root, "artifacts", "reliability");

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private ReliabilitySystem? _system;
    private SystemKind _kind;

    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var checks = ReportTables
            .All.SelectMany(s => s.Checks.Where(c => options.Wants(s.Part, c.Name)).Select(c => (Section: s, Check: c)))
            .ToList();
        if (checks.Count == 0)
            throw new ArgumentException(
                "No check matches --part and --only. The checks are:\n"
                    + string.Join('\n', ReportTables.All.SelectMany(s => s.Checks.Select(c => $"  {s.Part}: {c.Name}")))
            );

        var outcomes = new Dictionary<string, Outcome>();
        Directory.CreateDirectory(Folder);
        await File.WriteAllTextAsync(Path.Combine(Folder, "results.jsonl"), "", cancellationToken);

        try
        {
            foreach (var (section, check) in checks)
            {
                outcomes[check.Name] = await RunAsync(section, check, cancellationToken);
                Progress(outcomes[check.Name].Line);
            }
        }
        finally
        {
            // Writes the results so far after Ctrl+C too.
            var report = File.Exists(options.Report)
                ? await File.ReadAllTextAsync(options.Report, CancellationToken.None)
                : "# Reliability\n";

            await File.WriteAllTextAsync(
                options.Report,
                ReliabilityReport.Into(report, options, outcomes),
                CancellationToken.None
            );
            Progress($"written to {options.Report}");
        }

        return outcomes.Count == checks.Count
            && outcomes.Values.All(o => o.Ok || (o.IsSkipped && options.AllowsSkipped));
    }

    private async Task<Outcome> RunAsync(Section section, ICheck check, CancellationToken cancellationToken)
    {
        try
        {
            return await check.RunAsync(
                await SystemForAsync(check.Needs, cancellationToken),
                options,
                cancellationToken
            );
        }
        catch (NotDoneException e)
        {
            return new Outcome(false, section.Line(check, $"not done: {e.Message}"), IsSkipped: true);
        }
        // A check that breaks off has failed. The next one starts with another system.
        catch (Exception e) when (e is not LocalServicesException && !cancellationToken.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync(e.ToString());
            await DisposeAsync();
            return new Outcome(
                false,
                section.Line(check, $"**broke off: {e.Message.Split('\n')[0].Replace('|', '/')}**")
            );
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
        _system = null;
        await FailoverSystem.EndAsync();
    }

    private async Task<ReliabilitySystem> SystemForAsync(SystemKind kind, CancellationToken cancellationToken)
    {
        if (kind == SystemKind.OwnSystem)
        {
            if (_system is not null)
                await DisposeAsync();
            return null!;
        }

        if (_system is null || _kind != kind)
        {
            await DisposeAsync();
            Progress("starting Postgres, Redis, two replicas of StreamApi and two Broadcasters");
            _system = await ReliabilitySystem.StartAsync(kind, cancellationToken);
            _kind = kind;
        }

        await _system.WaitUntilReadyAsync(cancellationToken);
        return _system;
    }

    private void Progress(string text) => Console.Error.WriteLine($"{_clock.Elapsed.TotalSeconds, 6:F0} s  {text}");
}
