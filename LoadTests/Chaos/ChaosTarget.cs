namespace LoadTests.Chaos;

/// <summary>What can be broken.</summary>
internal enum ChaosTarget
{
    Redis,
    Postgres,
    Broadcaster,
    StreamApi,
}

/// <summary>How.</summary>
internal enum FaultKind
{
    /// <summary>SIGKILL; started again after a while.</summary>
    Kill,

    /// <summary>SIGTERM; started again after a while.</summary>
    Term,

    /// <summary>SIGSTOP, and SIGCONT after a while: neither dead nor alive.</summary>
    Stop,
}
