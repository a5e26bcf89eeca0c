using System.Collections.Concurrent;
using Harness.Worlds;

namespace Harness;

/// <summary>One of our services that a test started: as a process of its own, or within the test's process.</summary>
internal abstract class RunningService : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _output = new();

    public abstract Uri Url { get; }

    /// <summary>Its ways to the stores.</summary>
    /// <exception cref="InvalidOperationException">It reaches them directly.</exception>
    public StoreLinks Links
    {
        get => field ?? throw new InvalidOperationException("The service reaches its stores directly.");
        internal set;
    }

    public abstract bool HasExited { get; }

    /// <summary>The last lines that the service printed.</summary>
    public string Output => string.Join('\n', _output);

    /// <summary>Called with every line that the service prints.</summary>
    public event Action<string>? Printed;

    /// <summary>The service's process, for tests that kill, freeze or measure it.</summary>
    /// <exception cref="InvalidOperationException">The service runs within the test's process.</exception>
    public ServiceProcess Process =>
        this as ServiceProcess
        ?? throw new InvalidOperationException("The service has no process of its own. Start it as a process.");

    /// <summary>Stops the service in an orderly way, as SIGTERM does, and waits for its end.</summary>
    public abstract Task StopAsync(CancellationToken cancellationToken);

    /// <summary>Ends the service at once.</summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>Returns a URL that reaches a service: on loopback if it listens on all addresses.</summary>
    protected static Uri Reachable(string address) =>
        new(address.Replace("[::]", "127.0.0.1", StringComparison.Ordinal));

    protected void Take(string line)
    {
        _output.Enqueue(line);
        Printed?.Invoke(line);
        while (_output.Count > 500)
            _output.TryDequeue(out _);
    }
}
