using Benchmarks.Machine;
using Harness;
using LocalServices;

namespace Benchmarks.Servers;

/// <summary>A server to be measured beside others: where one subscribes and publishes, and whose CPU that
/// costs.</summary>
internal abstract class Peer(string name, Uri address) : IAsyncDisposable
{
    public string Name => name;
    public Uri Address => address;

    /// <summary>A stream of what is published under this name; Nchan and the plain server have one channel a
    /// server.</summary>
    public abstract Uri Subscribe(string topic);
    public abstract Uri Publish { get; }

    /// <summary>Whether an event is published with its topic around it.</summary>
    public virtual bool HasTopics => false;

    /// <summary>The process that holds the connections, with its children.</summary>
    public abstract IReadOnlyList<int> Front { get; }

    /// <summary>Every process that works for a delivery: stores and relay too.</summary>
    public virtual IReadOnlyList<int> Processes => Front;

    /// <summary>Where the server is .NET.</summary>
    public virtual ServerProbe? Probe => null;

    /// <summary>One more of the same, without connections so far.</summary>
    public abstract Task<Peer> StartAnotherAsync(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    protected static int FreePort() => LocalServices.LoopbackPort.Take(0, "a benchmark", "any");

    protected static async Task<bool> AnswersAsync(Uri url, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            return (await http.GetAsync(url, cancellationToken)).IsSuccessStatusCode;
        }
        catch (Exception e)
            when (e is HttpRequestException
                || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            return false;
        }
    }
}
