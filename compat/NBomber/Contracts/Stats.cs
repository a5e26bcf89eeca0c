// Stands in for NBomber.Contracts. Not affiliated with NBomber LLC.
namespace NBomber.Contracts.Stats;

public enum ReportFormat
{
    Txt = 0,
    Html = 1,
    Csv = 2,
    Md = 3,
}

public enum OperationType
{
    None = 0,
    Init = 1,
    WarmUp = 2,
    Bombing = 3,
    Stop = 4,
    Complete = 5,
    Error = 6,
}

public sealed record TestInfo(string SessionId, string TestSuite, string TestName, string ClusterId, DateTime Created);

public sealed record NodeInfo(
    string MachineName,
    OperationType CurrentOperation,
    string OS,
    string DotNetVersion,
    string Processor,
    int CoresCount,
    string NBomberVersion
);

public sealed record StatusCodeStats(string StatusCode, bool IsError, string Message, int Count, int Percent);

public sealed record RequestStats(int Count, double RPS, int Percent);

public sealed record LatencyCount(int LessOrEq800, int More800Less1200, int MoreOrEq1200);

public sealed record LatencyStats(
    double MinMs,
    double MeanMs,
    double MaxMs,
    double Percent50,
    double Percent75,
    double Percent95,
    double Percent99,
    double StdDev,
    LatencyCount LatencyCount
);

public sealed record DataTransferStats(
    long MinBytes,
    long MeanBytes,
    long MaxBytes,
    long Percent50,
    long Percent75,
    long Percent95,
    long Percent99,
    double StdDev,
    long AllBytes
);

public sealed record MeasurementStats(
    RequestStats Request,
    LatencyStats Latency,
    DataTransferStats DataTransfer,
    StatusCodeStats[] StatusCodes
);

public sealed record StepStats(string StepName, MeasurementStats Ok, MeasurementStats Fail, int SortIndex);

public sealed record LoadSimulationStats(string SimulationName, int Value);

public sealed record ScenarioStats(
    string ScenarioName,
    MeasurementStats Ok,
    MeasurementStats Fail,
    StepStats[] StepStats,
    LoadSimulationStats LoadSimulationStats,
    OperationType CurrentOperation,
    int AllRequestCount,
    int AllOkCount,
    int AllFailCount,
    long AllBytes,
    TimeSpan Duration,
    int SortIndex
);

public sealed record ReportFile(string FilePath, ReportFormat ReportFormat, string ReportContent);

public sealed record ThresholdResult(
    string ScenarioName,
    string StepName,
    string CheckExpression,
    string ExceptionMsg,
    int ErrorCount,
    bool IsFailed
);

/// <summary>The statistics of a run.</summary>
public sealed record NodeStats(
    ScenarioStats[] ScenarioStats,
    ThresholdResult[] Thresholds,
    NodeInfo NodeInfo,
    TestInfo TestInfo,
    int AllRequestCount,
    int AllOkCount,
    int AllFailCount,
    long AllBytes,
    TimeSpan Duration,
    ReportFile[] ReportFiles
);
