namespace StreamApi.Connections;

/// <summary>
/// Sort order of a listing: a member's name, prefixed with <c>-</c> for descending. Ties are ordered by id.
/// </summary>
internal sealed class ConnectionOrder : IComparer<SseConnection>
{
    private static readonly Dictionary<string, Func<SseConnection, IComparable?>> Members = new(StringComparer.Ordinal)
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

    private readonly Func<SseConnection, IComparable?> _member;
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

    public int Compare(SseConnection? x, SseConnection? y)
    {
        var order = Comparer<object?>.Default.Compare(_member(x!), _member(y!));
        return order != 0 ? _sign * order : string.CompareOrdinal(x!.Id, y!.Id);
    }
}
