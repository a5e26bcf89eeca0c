namespace LoadTests.Targets;

/// <summary>A component that faults can be injected into.</summary>
internal enum ChaosTarget
{
    Redis,
    Postgres,
    Broadcaster,
    StreamApi,
}
