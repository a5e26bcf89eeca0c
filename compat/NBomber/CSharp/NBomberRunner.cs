// Stands in for NBomber.CSharp. Not affiliated with NBomber LLC.
using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.Reports;
using NBomber.Running;

namespace NBomber.Contracts
{
    /// <summary>The description of a run. Immutable.</summary>
    public sealed record NBomberContext
    {
        internal IReadOnlyList<ScenarioProps> Scenarios { get; init; } = [];
        internal IReadOnlyList<string>? Targets { get; init; }
        internal string TestSuite { get; init; } = "nbomber_default_test_suite_name";
        internal string TestName { get; init; } = "nbomber_default_test_name";
        internal string? ReportFileName { get; init; }
        internal string ReportFolder { get; init; } = "reports";
        internal IReadOnlyList<ReportFormat> ReportFormats { get; init; } =
        [ReportFormat.Txt, ReportFormat.Html, ReportFormat.Csv, ReportFormat.Md];
        internal TimeSpan ReportingInterval { get; init; } = TimeSpan.FromSeconds(5);
        internal TimeSpan CompletionTimeout { get; init; } = TimeSpan.FromMinutes(1);
        internal bool ShowsProgress { get; init; } = true;
    }
}

namespace NBomber.CSharp
{
    public static class NBomberRunner
    {
        public static NBomberContext RegisterScenarios(params ScenarioProps[] scenarios) =>
            new() { Scenarios = [.. scenarios] };

        public static NBomberContext WithTargetScenarios(this NBomberContext context, params string[] scenarioNames) =>
            context with
            {
                Targets = [.. scenarioNames],
            };

        public static NBomberContext WithTestSuite(this NBomberContext context, string testSuite) =>
            context with
            {
                TestSuite = testSuite,
            };

        public static NBomberContext WithTestName(this NBomberContext context, string testName) =>
            context with
            {
                TestName = testName,
            };

        public static NBomberContext WithReportFileName(this NBomberContext context, string reportFileName) =>
            context with
            {
                ReportFileName = reportFileName,
            };

        public static NBomberContext WithReportFolder(this NBomberContext context, string reportFolder) =>
            context with
            {
                ReportFolder = reportFolder,
            };

        public static NBomberContext WithReportFormats(
            this NBomberContext context,
            params ReportFormat[] reportFormats
        ) => context with { ReportFormats = [.. reportFormats] };

        public static NBomberContext WithoutReports(this NBomberContext context) => context with { ReportFormats = [] };

        /// <summary>Sets the interval of threshold checks and progress lines; at least 5 s.</summary>
        public static NBomberContext WithReportingInterval(this NBomberContext context, TimeSpan interval) =>
            interval >= TimeSpan.FromSeconds(5)
                ? context with
                {
                    ReportingInterval = interval,
                }
                : throw new ArgumentException($"The reporting interval must be at least 5 s; it is {interval}.");

        /// <summary>Sets how long running iterations may take to complete after the end. Default: 1 min.</summary>
        public static NBomberContext WithScenarioCompletionTimeout(this NBomberContext context, TimeSpan timeout) =>
            context with
            {
                CompletionTimeout = timeout,
            };

        public static NBomberContext DisplayConsoleMetrics(this NBomberContext context, bool display) =>
            context with
            {
                ShowsProgress = display,
            };

        /// <summary>Runs the scenarios side by side, writes the reports
        /// and returns the statistics. Blocks until then.</summary>
        public static NodeStats Run(this NBomberContext context)
        {
            // On the thread pool, because awaits of the scenarios must not need the caller's thread.
            var (stats, history) = Task.Run(() => new Session(context).RunAsync()).GetAwaiter().GetResult();
            return stats with { ReportFiles = ReportWriter.Write(context, stats, history) };
        }
    }
}
