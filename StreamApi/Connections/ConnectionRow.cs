using System.Text.Json.Serialization;
using Streaming.Connections;

namespace StreamApi.Connections;

/// <summary>
/// One open stream as the API and the dashboard show it. Times are in milliseconds, <c>lag</c> in positions;
/// <c>rttMs</c> is the round trip of the last network hop.
/// </summary>
internal sealed record ConnectionRow(
    string Id,
    string Replica,
    string Client,
    string? User,
    IReadOnlyList<string> Topics,
    DateTimeOffset ConnectedAt,
    long Delivered,
    long Bytes,
    ConnectionLatency LatencyMs,
    long Lag,
    double? RttMs,
    string State
)
{
    /// <summary>Rows between two pauses, in which requests and events are served. A full replica of 20,000 streams
    /// pauses for a second in all.</summary>
    private const int SliceRows = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Makes a row of each stream while the caller reads them.</summary>
    public static async IAsyncEnumerable<ConnectionRow> OfAllAsync(
        IEnumerable<OpenStream> streams,
        string replica,
        TimeProvider clock
    )
    {
        var made = 0;
        foreach (var stream in streams)
        {
            if (made > 0 && made % SliceRows == 0)
                await Task.Delay(Pause, clock);
            yield return Of(stream, replica);
            made++;
        }
    }

    private static ConnectionRow Of(OpenStream stream, string replica) =>
        new(
            stream.Id,
            replica,
            stream.Client.Address,
            stream.Client.User,
            stream.Topics,
            stream.ConnectedAt,
            Volatile.Read(ref stream.Delivered),
            Volatile.Read(ref stream.Bytes),
            ConnectionLatency.Of(stream.Latency.Quantiles()),
            stream.Lag,
            StreamSocket.RoundTrip(stream.Client.Socket),
            stream.State
        );

    public bool Contains(string text) =>
        Client.Contains(text, StringComparison.OrdinalIgnoreCase)
        || (User?.Contains(text, StringComparison.OrdinalIgnoreCase) ?? false)
        || Topics.Any(t => t.Contains(text, StringComparison.OrdinalIgnoreCase));
}

/// <summary>Delivery times in milliseconds; null before the first delivery.</summary>
internal sealed record ConnectionLatency(double? P50, double? P95, double? P99)
{
    private static readonly ConnectionLatency None = new(null, null, null);

    public static ConnectionLatency Of(LatencyQuantiles? quantiles) =>
        quantiles is null ? None : new(quantiles.P50, quantiles.P95, quantiles.P99);
}

/// <summary>
/// Sort order of a listing: a member's name, prefixed with <c>-</c> for descending. Ties are ordered by id.
/// </summary>
internal sealed class ConnectionOrder : IComparer<ConnectionRow>
{
    private static readonly Dictionary<string, Func<ConnectionRow, IComparable?>> Members = new(StringComparer.Ordinal)
    {
        ["id"] = r => r.Id,
        ["replica"] = r => r.Replica,
        ["client"] = r => r.Client,
        ["user"] = r => r.User,
        ["connectedAt"] = r => r.ConnectedAt,
        ["delivered"] = r => r.Delivered,
        ["bytes"] = r => r.Bytes,
        ["lag"] = r => r.Lag,
        ["rttMs"] = r => r.RttMs,
        ["state"] = r => r.State,
        ["latencyMs.p50"] = r => r.LatencyMs?.P50,
        ["latencyMs.p95"] = r => r.LatencyMs?.P95,
        ["latencyMs.p99"] = r => r.LatencyMs?.P99,
    };

    private readonly Func<ConnectionRow, IComparable?> _member;
    private readonly int _sign;

    private ConnectionOrder(string text)
    {
        Text = text;
        _sign = text.StartsWith('-') ? -1 : 1;
        _member = Members[text.TrimStart('-')];
    }

    public string Text { get; }
    public static string Names => string.Join(", ", Members.Keys);

    public static ConnectionOrder? Parse(string? text) =>
        text is null or "" ? new ConnectionOrder("id")
        : Members.ContainsKey(text.TrimStart('-')) && text.LastIndexOf('-') <= 0 ? new ConnectionOrder(text)
        : null;

    public int Compare(ConnectionRow? x, ConnectionRow? y)
    {
        var order = Comparer<object?>.Default.Compare(_member(x!), _member(y!));
        return order != 0 ? _sign * order : string.CompareOrdinal(x!.Id, y!.Id);
    }
}

/// <summary>One page of a listing; <c>next</c> is the id to continue after, null at the end.</summary>
internal sealed record ConnectionPage(
    IReadOnlyList<ConnectionRow> Connections,
    string? Next,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Partial
);
