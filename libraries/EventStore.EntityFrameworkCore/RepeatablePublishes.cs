using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure.Internal;
using Npgsql.EntityFrameworkCore.PostgreSQL.Storage.Internal;

#pragma warning disable EF1001 // Only a factory sees each attempt of the strategies that the provider makes.

namespace EventStore.EntityFrameworkCore;

/// <summary>Makes strategies that repeat a block without the events of the failed attempt, which the block publishes
/// again.</summary>
internal sealed class RepeatablePublishes(ExecutionStrategyDependencies dependencies) : IExecutionStrategyFactory
{
    public IExecutionStrategy Create() =>
        dependencies.Options.Extensions.OfType<RelationalOptionsExtension>().FirstOrDefault() switch
        {
            NpgsqlOptionsExtension => new Strategy(new NpgsqlExecutionStrategyFactory(dependencies).Create()),
            // A context that cannot publish, such as one of a test with another database.
            var other => other?.ExecutionStrategyFactory?.Invoke(dependencies)
                ?? new NonRetryingExecutionStrategy(dependencies),
        };

    private sealed class Strategy(IExecutionStrategy inner) : IExecutionStrategy
    {
        public bool RetriesOnFailure => inner.RetriesOnFailure;

        public TResult Execute<TState, TResult>(
            TState state,
            Func<DbContext, TState, TResult> operation,
            Func<DbContext, TState, ExecutionResult<TResult>>? verifySucceeded
        )
        {
            var repetition = new Repetition();
            return inner.Execute(state, (context, s) => operation(repetition.Next(context), s), verifySucceeded);
        }

        public Task<TResult> ExecuteAsync<TState, TResult>(
            TState state,
            Func<DbContext, TState, CancellationToken, Task<TResult>> operation,
            Func<DbContext, TState, CancellationToken, Task<ExecutionResult<TResult>>>? verifySucceeded,
            CancellationToken cancellationToken = default
        )
        {
            var repetition = new Repetition();
            return inner.ExecuteAsync(
                state,
                (context, s, stop) => operation(repetition.Next(context), s, stop),
                verifySucceeded,
                cancellationToken
            );
        }
    }

    private sealed class Repetition
    {
        private IReadOnlyList<NewEvent>? _before;

        public DbContext Next(DbContext context)
        {
            var events = PendingEvents.Find(context);
            if (_before is null)
                _before = events?.Pending ?? [];
            else
                events?.Keep(_before);
            return context;
        }
    }
}
