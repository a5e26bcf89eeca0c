using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace Streaming.Connections;

/// <summary>Lists, counts and closes the open streams.</summary>
internal sealed class ConnectionList(
    ConnectionRegistry registry,
    IStreamTotals totals,
    IOptions<SseOptions> options,
    TimeProvider clock
) : IConnectionList
{
    /// <summary>Streams listed between two pauses, in which the process serves requests and events. A list of 20,000
    /// streams, a full replica, pauses for a second in all.</summary>
    private const int Slice = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private static readonly SseLatency None = new(null, null, null);

    public async IAsyncEnumerable<SseConnection> ReadAsync()
    {
        var read = 0;
        foreach (var stream in registry.Open)
        {
            if (read > 0 && read % Slice == 0)
                await Task.Delay(Pause, clock);
            yield return Of(stream);
            read++;
        }
    }

    public SseStats ReadStats() => totals.Read();

    public async Task<bool> CloseAsync(string id, CancellationToken cancellationToken = default)
    {
        if (!registry.TryGet(id, out var stream))
            return false;

        stream.RequestEnd(EndReason.Closed);
        await stream.Ended.WaitAsync(cancellationToken);
        return true;
    }

    private SseConnection Of(OpenStream stream) =>
        new()
        {
            Id = stream.Id,
            Replica = options.Value.Replica,
            Client = stream.Client.Address,
            User = stream.Client.User,
            Topics = stream.Topics,
            ConnectedAt = stream.ConnectedAt,
            Delivered = stream.Delivered,
            Bytes = stream.Bytes,
            LatencyMs = stream.Latency.Quantiles() is { } latency
                ? new SseLatency(latency.P50, latency.P95, latency.P99)
                : None,
            Lag = stream.Lag,
            RttMs = stream.RoundTrip,
            State = stream.State,
        };
}

/// <summary>Writes the list of connections without reflection, for an endpoint of the application's own.</summary>
[JsonSerializable(typeof(IAsyncEnumerable<SseConnection>))]
internal sealed partial class ConnectionJson : JsonSerializerContext;
