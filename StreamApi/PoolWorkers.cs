namespace StreamApi;

/// <summary>The workers of the thread pool.</summary>
internal static class PoolWorkers
{
    private const int PerProcessor = 4;

    /// <summary>
    /// Lets the pool begin with several workers a processor, so that the kernel shares the processors among the
    /// requests. .NET begins with one: two requests whose code is compiled for the first time delay all others.
    /// </summary>
    public static void RaiseMinimum()
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, PerProcessor * Environment.ProcessorCount), ports);
    }
}
