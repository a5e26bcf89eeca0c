using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Stack;

/// <summary>Starts the collections with a test marked <c>[Trait("Takes", "long")]</c>
/// first, then the largest, so that none of them runs alone at the end. Ordering alone is
/// not enough: the runner starts all collections on the thread pool at once.</summary>
public sealed class LargestFirst : XunitTestFramework
{
    protected override ITestFrameworkExecutor CreateExecutor(Assembly assembly) =>
        new Executor(new XunitTestAssembly(assembly));

    private sealed class Executor(IXunitTestAssembly assembly) : XunitTestFrameworkExecutor(assembly)
    {
        public override async ValueTask RunTestCases(
            IReadOnlyCollection<IXunitTestCase> testCases,
            IMessageSink executionMessageSink,
            ITestFrameworkExecutionOptions executionOptions,
            CancellationToken cancellationToken
        ) => await new Runner().Run(TestAssembly, testCases, executionMessageSink, executionOptions, cancellationToken);
    }

    private sealed class Runner : XunitTestAssemblyRunner
    {
        private readonly Dictionary<IXunitTestCollection, (Task Turn, TaskCompletionSource Next)> _turns = [];

        protected override List<(IXunitTestCollection Collection, List<IXunitTestCase> TestCases)> OrderTestCollections(
            XunitTestAssemblyRunnerContext ctxt
        )
        {
            var order = base.OrderTestCollections(ctxt)
                // The runner starts these after all others, which would wait for them here without end.
                .OrderBy(c => c.Collection.DisableParallelization)
                .ThenByDescending(c => c.TestCases.Any(t => t.Traits.ContainsKey("Takes")))
                .ThenByDescending(c => c.TestCases.Count)
                .ToList();
            var turn = Task.CompletedTask;
            foreach (var (collection, _) in order)
            {
                var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _turns.Add(collection, (turn, next));
                turn = next.Task;
            }

            return order;
        }

        /// <summary>Starts each collection after the one before it.</summary>
        protected override async ValueTask<RunSummary> RunTestCollection(
            XunitTestAssemblyRunnerContext ctxt,
            IXunitTestCollection testCollection,
            IReadOnlyCollection<IXunitTestCase> testCases
        )
        {
            var (turn, next) = _turns[testCollection];
            await turn;
            var running = base.RunTestCollection(ctxt, testCollection, testCases);
            next.SetResult();
            return await running;
        }
    }
}
