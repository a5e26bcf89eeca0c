using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Options;

namespace StreamApi.Streaming.Connections;

/// <summary>The open streams of this replica, and how many there may be.</summary>
internal sealed class ConnectionRegistry(IOptions<StreamingOptions> options)
{
    private readonly ConcurrentDictionary<string, OpenStream> _open = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _perClient = new(StringComparer.Ordinal);
    private int _admitted;

    public int Count => Volatile.Read(ref _admitted);

    public IEnumerable<OpenStream> Open => _open.Values;

    /// <summary>Takes a place for a client (its user, else its address). Give it back with <see cref="Leave"/> where it was taken.</summary>
    /// <param name="client">Whose place it is.</param>
    /// <param name="resume">A returning client: it has the reserve too, and its own limit does not count.</param>
    public Admission TryEnter(string client, bool resume)
    {
        var most = options.Value.MaxConnections;
        if (resume) most += most * options.Value.ResumeReservePercent / 100;
        if (Interlocked.Increment(ref _admitted) > most)
        {
            Interlocked.Decrement(ref _admitted);
            return Admission.Full;
        }
        if (options.Value.MaxConnectionsPerClient == 0) return Admission.Admitted;
        var own = _perClient.AddOrUpdate(client, 1, static (_, n) => n + 1);
        if (resume || own <= options.Value.MaxConnectionsPerClient) return Admission.Admitted;
        Leave(client);
        return Admission.TooManyOfClient;
    }

    public void Add(OpenStream connection) => _open[connection.Id] = connection;

    public bool TryGet(string id, [NotNullWhen(true)] out OpenStream? connection) => _open.TryGetValue(id, out connection);

    public void Remove(OpenStream connection) => _open.TryRemove(connection.Id, out _);

    public void Leave(string client)
    {
        Interlocked.Decrement(ref _admitted);
        if (options.Value.MaxConnectionsPerClient > 0 && _perClient.AddOrUpdate(client, 0, static (_, n) => n - 1) == 0)
            _perClient.TryRemove(new KeyValuePair<string, int>(client, 0));
    }
}

/// <summary>Whether a stream gets a place.</summary>
internal enum Admission
{
    Admitted,

    /// <summary>Every place of this replica is taken.</summary>
    Full,

    /// <summary>The client has as many as one may.</summary>
    TooManyOfClient,
}
