namespace EventStore;

/// <summary>Locals that flow with a caller (<see cref="ExecutionContext"/>): its tenant, its request, its span, an
/// ambient transaction.</summary>
internal static class CallerContext
{
    /// <summary>Until disposed, what this thread begins gets none of them: timers, threads and connections of the
    /// process would keep those of the first caller.</summary>
    public static IDisposable? Suppress() =>
        ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
}
