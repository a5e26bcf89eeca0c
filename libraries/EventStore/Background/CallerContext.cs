namespace EventStore;

/// <summary>Locals that flow with a caller (<see cref="ExecutionContext"/>): its tenant, its request, its span, an
/// ambient transaction.</summary>
internal static class CallerContext
{
    /// <summary>Keeps the caller's locals out of the timers, threads and connections that this thread begins, until the
    /// result is disposed. They would otherwise keep the locals of the first caller.</summary>
    public static IDisposable? Suppress() =>
        ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
}
