using System.Text.Json;

namespace WebFrontend.Load;

/// <summary>One run's reports: what each scenario came to, and which have a page of charts.</summary>
internal sealed record LoadReport(
    string Id,
    DateTimeOffset At,
    IReadOnlyList<JsonElement> Results,
    IReadOnlyList<string> Pages
);

/// <summary>The reports of earlier runs, from wherever they were started: the page, the resource <c>loadtests</c>, a
/// terminal.</summary>
internal sealed class LoadReports(LoadTestsProgram program)
{
    private const string Results = "results.jsonl";
    private const int Most = 12,
        MostResults = 20;

    private static readonly EnumerationOptions Below = new()
    {
        RecurseSubdirectories = true,
        MaxRecursionDepth = 2,
        IgnoreInaccessible = true,
    };

    /// <summary>Newest first.</summary>
    public IReadOnlyList<LoadReport> List()
    {
        var folder = new DirectoryInfo(program.Reports);
        if (!folder.Exists)
            return [];
        return
        [
            .. folder
                .EnumerateFiles(Results, Below)
                .OrderByDescending(f => f.LastWriteTimeUtc)
                .Select(Read)
                .Where(r => r.Results.Count > 0)
                .Take(Most),
        ];
    }

    /// <summary>The file of a page of charts; null where there is none. Only what is listed is found.</summary>
    public string? Page(string id, string scenario) =>
        List().FirstOrDefault(r => r.Id == id)?.Pages.Contains(scenario) == true
            ? PageOf(Path.Combine(program.Reports, id.Replace('~', Path.DirectorySeparatorChar)), scenario)
            : null;

    private LoadReport Read(FileInfo file)
    {
        var results = new List<JsonElement>();
        try
        {
            // While a run goes on its last line may not be whole yet.
            foreach (var line in File.ReadLines(file.FullName).Where(l => l.Length > 0).Take(MostResults))
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
