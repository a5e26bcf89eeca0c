// Stands in for NBomber.Contracts. Not affiliated with NBomber LLC.
namespace NBomber.Contracts.Stats;

public enum ReportFormat
{
    Html = 1,
}

/// <summary>The responses with one status code.</summary>
/// <param name="StatusCode">The code that the response gave.</param>
/// <param name="Message">The message of the first one.</param>
/// <param name="Count">The number of responses.</param>
public sealed record StatusCodeStats(string StatusCode, string Message, int Count);

public sealed record RequestStats(int Count, double RPS);

public sealed record LatencyStats(double MaxMs, double Percent50, double Percent95, double Percent99);

public sealed record DataTransferStats(long AllBytes);

public sealed record MeasurementStats(
    RequestStats Request,
    LatencyStats Latency,
    DataTransferStats DataTransfer,
    StatusCodeStats[] StatusCodes
);

public sealed record StepStats(string StepName, MeasurementStats Ok, MeasurementStats Fail);

public sealed record ScenarioStats(
    string ScenarioName,
    MeasurementStats Ok,
    MeasurementStats Fail,
    StepStats[] StepStats
);

public sealed record ReportFile(string FilePath, ReportFormat ReportFormat, string ReportContent);

/// <summary>The statistics of a run.</summary>
public sealed record NodeStats(ScenarioStats[] ScenarioStats, ReportFile[] ReportFiles);
