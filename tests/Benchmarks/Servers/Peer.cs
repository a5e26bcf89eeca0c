using Harness;

namespace Benchmarks.Servers;

/// <summary>A server under test: its addresses for subscribing and publishing, and its processes.</summary>
/// <param name="name">Its name in the results.</param>
/// <param name="address">Its address.</param>
/// <param name="front">Returns the process that holds the connections, with its children.</param>
/// <param name="server">What ends with the peer.</param>
/// <param name="folder">Its own folder, which goes with it.</param>
internal abstract class Peer(
    string name,
    Uri address,
    Func<IReadOnlyList<int>> front,
    IAsyncDisposable server,
    string folder
) : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    public string Name => name;
    public Uri Address => address;

    /// <summary>Returns the address of a stream of this topic. A peer without topics has one channel.</summary>
    public virtual Uri Subscribe(string topic) => new(Address, "/sse");

    public virtual Uri Publish => new(Address, "/pub");

    /// <summary>True when the server expects the topic with each event.</summary>
    public virtual bool HasTopics => false;

    /// <summary>The process that holds the connections, with its children.</summary>
    public IReadOnlyList<int> Front => front();

    /// <summary>All processes that work for a delivery, stores and relay included.</summary>
    public virtual IReadOnlyList<int> Processes => Front;

    /// <summary>The probe of a .NET server; otherwise null.</summary>
    public virtual ServerProbe? Probe => null;

    /// <summary>Starts another server of this kind, without connections.</summary>
    public abstract Task<Peer> StartAnotherAsync(CancellationToken cancellationToken);

    public virtual async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Starts the server of a peer, or disposes the peer.</summary>
    protected static async Task<T> StartedAsync<T>(T peer, SystemProcess server, CancellationToken cancellationToken)
        where T : Peer
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);

        try
        {
            await server.StartAsync(limit.Token);
            return peer;
        }
        catch (Exception e)
        {
            await peer.DisposeAsync();
            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
                throw new BenchmarkException(e.Message);
            throw;
        }
    }

    protected static Uri FreeAddress() =>
        new($"http://127.0.0.1:{LocalServices.LoopbackPort.Take(0, "a benchmark", "any")}");

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
