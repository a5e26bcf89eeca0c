using LoadTests.Measurements;

namespace Reliability;

/// <summary>Files beside the report, to find the cause of a failure.</summary>
internal static class RowDetails
{
    /// <summary>Returns the file for details of a row.</summary>
    public static string PathOf(string row, string extension) =>
        Path.Combine(
            ReliabilitySuite.Folder,
            $"{string.Concat(row.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-'))}.{extension}"
        );

    /// <summary>Writes the windows of a run, and the logs.</summary>
    public static async Task WriteAsync(
        string row,
        IEnumerable<HistoryWindow> windows,
        IEnumerable<string> logs,
        CancellationToken cancellationToken
    )
    {
        await File.WriteAllLinesAsync(
            PathOf(row, "csv"),
            [
                "seconds,delivered,published,acknowledged,open,disconnected,waiting,p50,p99",
                .. windows.Select(w =>
                    $"{w.Until.TotalSeconds:F2},{w.Delivered:F0},{w.Published:F0},{w.Acknowledged:F0},{w.Open},"
                    + $"{w.Disconnected},{w.Waiting},{w.P50Ms:F1},{w.P99Ms:F1}"
                ),
            ],
            cancellationToken
        );
        await File.WriteAllLinesAsync(PathOf(row, "log"), logs, cancellationToken);
    }
}
