using System.Net.Http.Headers;

namespace LoadTests.Peers;

/// <summary>A server to be measured beside others: where one subscribes and publishes, and whose CPU it costs.</summary>
internal abstract class Peer(string name) : IAsyncDisposable
{
    public string Name => name;
    public abstract Uri Subscribe { get; }

    /// <summary>The process that delivers, with its children.</summary>
    public abstract IReadOnlyList<int> Processes { get; }

    /// <summary>Publishes one event whose data this is.</summary>
    public async Task PublishAsync(HttpClient http, byte[] data, CancellationToken cancellationToken)
    {
        using var request = Request(data);
        using var response = await http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    public abstract ValueTask DisposeAsync();

    protected abstract HttpRequestMessage Request(byte[] data);

    protected static ByteArrayContent Json(byte[] json) => new(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
}
