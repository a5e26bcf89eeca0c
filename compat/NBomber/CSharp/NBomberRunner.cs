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
        internal string TestSuite { get; init; } = "nbomber_default_test_suite_name";
        internal string TestName { get; init; } = "nbomber_default_test_name";
        internal string ReportFolder { get; init; } = "reports";
        internal string ReportFileName { get; init; } = "nbomber_report";
        internal bool WritesPage { get; init; } = true;
        internal TimeSpan CompletionTimeout { get; init; } = TimeSpan.FromMinutes(1);
    }
}

namespace NBomber.CSharp
{
    public static class NBomberRunner
    {
        public static NBomberContext RegisterScenarios(params ScenarioProps[] scenarios) =>
            new() { Scenarios = [.. scenarios] };

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

        /// <summary>Sets the formats of the report. The stand-in has one.</summary>
        public static NBomberContext WithReportFormats(
            this NBomberContext context,
            params ReportFormat[] reportFormats
        ) => context with { WritesPage = reportFormats.Contains(ReportFormat.Html) };

        public static NBomberContext WithoutReports(this NBomberContext context) => context with { WritesPage = false };

        /// <summary>Sets how long running iterations may take to complete after the end. Default: 1 min.</summary>
        public static NBomberContext WithScenarioCompletionTimeout(this NBomberContext context, TimeSpan timeout) =>
            context with
            {
                CompletionTimeout = timeout,
            };

        /// <summary>Returns the context unchanged, because the stand-in prints nothing.</summary>
        public static NBomberContext DisplayConsoleMetrics(this NBomberContext context, bool display) => context;

        /// <summary>Runs the scenarios side by side, writes the page
        /// and returns the statistics. Blocks until then.</summary>
        public static NodeStats Run(this NBomberContext context)
        {
            // On the thread pool, because awaits of the scenarios must not need the caller's thread.
            var scenarios = Task.Run(() => new Session(context).RunAsync()).GetAwaiter().GetResult();

            return new NodeStats(scenarios, context.WritesPage ? [HtmlReport.Write(context, scenarios)] : []);
        }
    }
}
