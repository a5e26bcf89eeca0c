using System.Collections.Concurrent;

namespace Streaming.Showing;

/// <summary>The threads of each function that shows events, by its endpoint. Thread-safe.</summary>
internal sealed class ShowFunctions(TimeProvider clock) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<ShowThreads>> _threads = new(StringComparer.Ordinal);

    public ShowThreads ThreadsOf(string endpoint) =>
        _threads.GetOrAdd(endpoint, _ => new Lazy<ShowThreads>(() => new ShowThreads(clock))).Value;

    public void Dispose()
    {
        foreach (var threads in _threads.Values)
            threads.Value.Dispose();
    }
}
