using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;

namespace EventStore.EntityFrameworkCore;

/// <summary>Makes the provider's strategies, which repeat a block without the events of the failed attempt, because the
/// block publishes them again.</summary>
internal sealed class RepeatablePublishes(IExecutionStrategyFactory provider) : IExecutionStrategyFactory
{
    public IExecutionStrategy Create() => new Strategy(provider.Create());

    private sealed class Strategy(IExecutionStrategy inner) : IExecutionStrategy
    {
        public bool RetriesOnFailure => inner.RetriesOnFailure;

        public TResult Execute<TState, TResult>(
            TState state,
            Func<DbContext, TState, TResult> operation,
            Func<DbContext, TState, ExecutionResult<TResult>>? verifySucceeded
        )
        {
            var next = Attempts();
            return inner.Execute(state, (context, s) => operation(next(context), s), verifySucceeded);
        }

        public Task<TResult> ExecuteAsync<TState, TResult>(
            TState state,
            Func<DbContext, TState, CancellationToken, Task<TResult>> operation,
            Func<DbContext, TState, CancellationToken, Task<ExecutionResult<TResult>>>? verifySucceeded,
            CancellationToken cancellationToken = default
        )
        {
            var next = Attempts();
            return inner.ExecuteAsync(
                state,
                (context, s, stop) => operation(next(context), s, stop),
                verifySucceeded,
                cancellationToken
            );
        }
    }

    /// <summary>Returns a function for the start of each attempt.</summary>
    private static Func<DbContext, DbContext> Attempts()
    {
        long? before = null;
        return context =>
        {
            if (before is { } number)
                context.GetService<WaitingEvents>().ForgetAfter(number);
            before ??= OutboxEvent.LastNumber;
            return context;
        };
    }
}
