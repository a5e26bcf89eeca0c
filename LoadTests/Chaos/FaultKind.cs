namespace LoadTests.Chaos;

/// <summary>The signal that injects a fault.</summary>
internal enum FaultKind
{
    /// <summary>SIGKILL; the AppHost restarts the process after a delay.</summary>
    Kill,

    /// <summary>SIGTERM; the AppHost restarts the process after a delay.</summary>
    Term,

    /// <summary>SIGSTOP, followed by SIGCONT: the process freezes but keeps its sockets.</summary>
    Stop,
}
