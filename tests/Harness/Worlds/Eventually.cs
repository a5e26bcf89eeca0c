using System.Runtime.CompilerServices;
using Npgsql;

namespace Harness.Worlds;

/// <summary>Waits for a condition.</summary>
internal static class Eventually
{
    // Generous, because machines that run tests are busy.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    // A condition of this process costs nothing.
    private static readonly TimeSpan LocalInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Returns when the condition holds, and fails if it never does.</summary>
    /// <param name="condition">Asked until it holds; a service or store that does not answer makes it false.</param>
    /// <param name="what">The condition in words; default: its source.</param>
    /// <param name="state">Describes the state after a condition that never held.</param>
    /// <param name="within">The most time; default: three minutes.</param>
    /// <param name="stop">Cancels the wait; default: the end of the running test.</param>
    public static Task HoldsAsync(
        Func<Task<bool>> condition,
        [CallerArgumentExpression(nameof(condition))] string what = "",
        Func<string>? state = null,
        TimeSpan? within = null,
        CancellationToken? stop = null
    ) => HoldsAsync(condition, what, Interval, state, within, stop);

    /// <inheritdoc cref="HoldsAsync(Func{Task{bool}}, string, Func{string}, TimeSpan?, CancellationToken?)"/>
    public static Task HoldsAsync(
        Func<bool> condition,
        [CallerArgumentExpression(nameof(condition))] string what = "",
        Func<string>? state = null
    ) => HoldsAsync(() => Task.FromResult(condition()), what, LocalInterval, state);

    /// <summary>Returns the first value that is read, and fails if there is never one.</summary>
    public static async Task<T> GetAsync<T>(Func<T?> read, [CallerArgumentExpression(nameof(read))] string what = "")
        where T : class
    {
        T? found = null;
        await HoldsAsync(() => (found = read()) is not null, what);
        return found!;
    }

    private static async Task HoldsAsync(
        Func<Task<bool>> condition,
        string what,
        TimeSpan interval,
        Func<string>? state = null,
        TimeSpan? within = null,
        CancellationToken? stop = null
    )
    {
        var limit = DateTime.UtcNow + (within ?? Limit);
        var stopped = stop ?? TestContext.Current.CancellationToken;
        Exception? last = null;

        while (DateTime.UtcNow < limit)
        {
            try
            {
                if (await condition())
                    return;
                last = null;
            }
            catch (Exception e)
                when (e
                        is HttpRequestException
                            or NpgsqlException
                            or StoreUnavailableException
                            or OperationCanceledException
                            or TimeoutException
                            or IOException
                )
            {
                last = e;
            }

            await Task.Delay(interval, stopped);
        }

        Assert.Fail($"It never came about that {what}. {state?.Invoke() ?? last?.Message}");
    }
}
