namespace LoadTests.Reports;

/// <summary>A scenario without a result.</summary>
/// <param name="Scenario">The scenario's name.</param>
/// <param name="Reason">The reason, as a sentence.</param>
internal sealed record UnfinishedScenario(string Scenario, string Reason);

/// <summary>The folder of one run's reports. It has only the files of this run, and belongs to it alone.</summary>
internal sealed class ReportFolder : IDisposable
{
    // EWOULDBLOCK of Linux and macOS, ERROR_SHARING_VIOLATION of Windows.
    private static readonly int[] Held = [11, 35, unchecked((int)0x80070020)];
    private readonly LoadOptions _options;
    private readonly FileStream _lock;

    private ReportFolder(LoadOptions options, FileStream held) => (_options, _lock) = (options, held);

    /// <summary>Creates the folder, and deletes an earlier run's verdicts from it.</summary>
    /// <exception cref="LoadTestException">Another run writes to it.</exception>
    public static ReportFolder Open(LoadOptions options)
    {
        var path = Directory.CreateDirectory(options.ReportFolder).FullName;
        var folder = new ReportFolder(options, Lock(path));
        try
        {
            File.WriteAllText(folder.PathOf("results.jsonl"), "");
            File.Delete(folder.PathOf("report.md"));
            foreach (var scenario in options.Scenarios.Where(s => Directory.Exists(folder.PathOf(s))))
            foreach (var page in Directory.EnumerateFiles(folder.PathOf(scenario), $"{scenario}.*"))
                File.Delete(page);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Prints a result, and writes its line and its pages.</summary>
    public void Add(ScenarioResult result)
    {
        // First, because a full disk must not lose the measurements.
        Console.WriteLine(result.ToJsonLine());

        foreach (var failed in result.Failed)
            Console.Error.WriteLine($"{result.Scenario}: {(result.Stopped ? "" : "FAILED: ")}{failed}");
        if (result.Ok)
            Console.Error.WriteLine($"{result.Scenario}: held {string.Join("; ", result.Held)}");

        File.AppendAllText(PathOf("results.jsonl"), result.ToJsonLine() + "\n");
        ScenarioPage.Write(result);
    }

    /// <summary>Writes report.md.</summary>
    public void Finish(IReadOnlyList<ScenarioResult> results, IReadOnlyList<UnfinishedScenario> unfinished)
    {
        File.WriteAllText(PathOf("report.md"), MarkdownReport.Of(_options, results, unfinished));
        Console.Error.WriteLine(
            $"{results.Count(r => r.Ok)} of {results.Count + unfinished.Count} scenarios held all thresholds. "
                + $"Reports: {Path.GetFullPath(_options.ReportFolder)}"
        );
    }

    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string folder)
    {
        try
        {
            return new FileStream(
                Path.Combine(folder, "running.lock"),
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.None,
                bufferSize: 1,
                FileOptions.DeleteOnClose
            );
        }
        catch (IOException e) when (Held.Contains(e.HResult))
        {
            throw new LoadTestException(
                $"Another load run writes its reports to {folder}. Wait for its end or stop it: two runs would measure "
                    + "each other.",
                e
            );
        }
    }

    private string PathOf(string file) => Path.Combine(_options.ReportFolder, file);
}
