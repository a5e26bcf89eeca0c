namespace Reliability;

/// <summary>A fault that is injected into the system and undone.</summary>
/// <param name="Name">The name in the table.</param>
/// <param name="Duration">The time until it is undone.</param>
/// <param name="Break">Injects the fault. Throws <see cref="NotDoneException"/> when this machine cannot.</param>
/// <param name="Undo">Undoes the fault and returns when the broken process answers again.</param>
internal sealed record Fault(
    string Name,
    TimeSpan Duration,
    Func<ReliabilitySystem, Task> Break,
    Func<ReliabilitySystem, CancellationToken, Task> Undo
)
{
    /// <summary>The kind of system that the fault needs; default: the shared one.</summary>
    public SystemKind Needs { get; init; }

    /// <summary>Creates a probe that runs ten times a second during the fault and gives the table's remark.</summary>
    public Func<IFaultProbe>? Probe { get; init; }
}

/// <summary>Observes the system during a fault.</summary>
internal interface IFaultProbe : IAsyncDisposable
{
    /// <summary>Called while the system is whole, some seconds before the fault.</summary>
    Task BeginAsync(ReliabilitySystem system, CancellationToken cancellationToken) => Task.CompletedTask;

    Task AskAsync(ReliabilitySystem system, CancellationToken cancellationToken);

    /// <summary>The result of the observation.</summary>
    string Remark { get; }

    /// <summary>False if the row fails because of what was observed.</summary>
    bool IsOk => true;

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;
}

internal enum SystemKind
{
    Plain,

    /// <summary>The store is on its own small disk.</summary>
    SmallDisk,

    /// <summary>The clocks of the processes can be set.</summary>
    SettableClock,

    /// <summary>As in Production: callers must authenticate, and limits apply.</summary>
    Guarded,

    /// <summary>As in Production, without limits and with the most detailed log.</summary>
    Verbose,

    /// <summary>None: the check starts a system of its own.</summary>
    OwnSystem,
}

/// <summary>Thrown when this machine cannot run a check; the table shows the message.</summary>
internal sealed class NotDoneException(string message) : Exception(message);
