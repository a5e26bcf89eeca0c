using Harness;

namespace Benchmarks.Servers;

/// <summary>A server under test: its addresses for subscribing and publishing, and its processes.</summary>
internal abstract class Peer(string name, Uri address) : IAsyncDisposable
{
    public string Name => name;
    public Uri Address => address;

    /// <summary>Returns the address of a stream of this topic.
    /// Nchan and the plain server have one channel each.</summary>
    public abstract Uri Subscribe(string topic);
    public abstract Uri Publish { get; }

    /// <summary>True when the server expects the topic with each event.</summary>
    public virtual bool HasTopics => false;

    /// <summary>The process that holds the connections, with its children.</summary>
    public abstract IReadOnlyList<int> Front { get; }

    /// <summary>All processes that work for a delivery, stores and relay included.</summary>
    public virtual IReadOnlyList<int> Processes => Front;

    /// <summary>The probe of a .NET server; otherwise null.</summary>
    public virtual ServerProbe? Probe => null;

    /// <summary>Starts another server of this kind, without connections.</summary>
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
