namespace WebFrontend.Status;

/// <summary>
/// The StreamApi replicas with what they said last: one that was lost is still told of for as long as its figures would
/// be, then forgotten. Not thread-safe.
/// </summary>
internal sealed class KnownReplicas
{
    public static readonly TimeSpan Remembered = TimeSpan.FromMinutes(10);

    /// <summary>Without an answer for longer a replica counts as lost: one that is only busy misses a question or
    /// two.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, ReplicaStatus> _known = new(StringComparer.Ordinal);

    public IReadOnlyList<ReplicaStatus> All => [.. _known.Values.OrderBy(r => r.Name, StringComparer.Ordinal)];

    /// <summary>The last second that this replica's figures are known of; 0 where none is.</summary>
    public long LastSecond(string name) =>
        _known.TryGetValue(name, out var replica) && replica.Figures is [.., var last]
            ? StatusReport.SecondOf(last)
            : 0;

    /// <summary>Takes in what was answered: one without health has not answered itself. Those that are not even listed
    /// as lost have left.</summary>
    public void Update(IReadOnlyList<ReplicaStatus> listed, DateTimeOffset now)
    {
        foreach (var name in _known.Keys.Except(listed.Select(r => r.Name), StringComparer.Ordinal).ToArray())
            _known.Remove(name);
        foreach (var replica in listed)
        {
            var before = _known.GetValueOrDefault(replica.Name);
            if (replica.Health is null)
                _known[replica.Name] = before ?? replica with { SeenAt = replica.SeenAt ?? now };
            else
                _known[replica.Name] = replica with
                {
                    SeenAt = now,
                    Figures =
                    [
                        .. (before?.Figures ?? []).Concat(replica.Figures).TakeLast((int)Remembered.TotalSeconds),
                    ],
                };
        }
        Age(now);
    }

    /// <summary>Time has passed, and nobody has said anything.</summary>
    public void Age(DateTimeOffset now)
    {
        foreach (var (name, replica) in _known.ToArray())
            if (now - replica.SeenAt > Remembered)
                _known.Remove(name);
            else
                _known[name] = replica with { Lost = now - replica.SeenAt > Patience };
    }
}
