using Npgsql;

namespace EventStore;

/// <summary>Cancels a command whose caller has gone, on a thread of its own: Npgsql connects to Postgres for that and
/// waits, and a cancellation token given to Npgsql would hold two workers of the thread pool for as long.</summary>
internal sealed class CommandCancellation : IAsyncDisposable
{
    private readonly NpgsqlCommand _command;
    private readonly CancellationTokenRegistration _registration;
    private Task _cancelled = Task.CompletedTask;

    /// <param name="command">A command that may begin several times; cancellation ends the present run.</param>
    public CommandCancellation(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        _command = command;
        _registration = cancellationToken.UnsafeRegister(
            static self => ((CommandCancellation)self!)._cancelled = CancelAsync(((CommandCancellation)self)._command),
            this
        );
    }

    /// <summary>Cancels on another thread; the task ends when Postgres has the request, or cannot be reached.</summary>
    public static Task CancelAsync(NpgsqlCommand command) =>
        Task.Factory.StartNew(
            command.Cancel,
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    /// <summary>Waits for a cancellation under way, which could hit the connection's next command.</summary>
    public async ValueTask DisposeAsync()
    {
        await _registration.DisposeAsync();
        await _cancelled.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
