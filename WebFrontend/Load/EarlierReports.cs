using System.Text.Json;

namespace WebFrontend.Load;

/// <summary>The results of one run by scenario, and the scenarios with a page.</summary>
internal sealed record LoadReport(
    string Id,
    DateTimeOffset At,
    IReadOnlyList<JsonElement> Results,
    IReadOnlyList<string> Pages
);

/// <summary>The reports of earlier runs, started by the page, the resource <c>loadtests</c> or a terminal.</summary>
internal sealed class EarlierReports(LoadTestsProgram program)
{
    private const string Results = "results.jsonl";
    private const int MaxReports = 12;
    private const int MaxResults = 20;

    private static readonly EnumerationOptions Recursive = new()
    {
        RecurseSubdirectories = true,
        MaxRecursionDepth = 2,
        IgnoreInaccessible = true,
    };

    /// <summary>Lists the reports, newest first.</summary>
    public IReadOnlyList<LoadReport> List()
    {
        var folder = new DirectoryInfo(program.Reports);
        if (!folder.Exists)
            return [];

        return
        [
            .. folder
                .EnumerateFiles(Results, Recursive)
                .OrderByDescending(f => f.LastWriteTimeUtc)
                .Select(Read)
                .Where(r => r.Results.Count > 0)
                .Take(MaxReports),
        ];
    }

    /// <summary>
    /// Returns the path of a scenario's page, or null. Finds listed reports only, so no id can name a file outside the
    /// folder.
    /// </summary>
    public string? Page(string id, string scenario) =>
        List().FirstOrDefault(r => r.Id == id)?.Pages.Contains(scenario) == true
            ? PageOf(Path.Combine(program.Reports, id.Replace('~', Path.DirectorySeparatorChar)), scenario)
            : null;

    private LoadReport Read(FileInfo file)
    {
        var results = new List<JsonElement>();
        try
        {
            // The last line of a running test may be incomplete.
            foreach (var line in File.ReadLines(file.FullName).Where(l => l.Length > 0).Take(MaxResults))
            {
                using var json = JsonDocument.Parse(line);
                if (
                    json.RootElement.ValueKind == JsonValueKind.Object
                    && json.RootElement.TryGetProperty("scenario", out _)
                )
                    results.Add(json.RootElement.Clone());
            }
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException) { }

        var folder = file.DirectoryName!;
        var pages = results
            .Select(r => r.GetProperty("scenario").ToString())
            .Where(s => s == Path.GetFileName(s) && File.Exists(PageOf(folder, s)))
            .Distinct();

        return new LoadReport(
            Path.GetRelativePath(program.Reports, folder).Replace(Path.DirectorySeparatorChar, '~'),
            file.LastWriteTimeUtc,
            results,
            [.. pages]
        );
    }

    private static string PageOf(string folder, string scenario) => Path.Combine(folder, scenario, scenario + ".html");
}
