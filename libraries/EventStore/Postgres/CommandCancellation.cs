using Npgsql;

namespace EventStore;

/// <summary>Cancels a command whose caller has gone, on a thread of its own: to cancel, Npgsql connects to Postgres and
/// waits. A cancellation token given to Npgsql would block two threads of the thread pool meanwhile.</summary>
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
