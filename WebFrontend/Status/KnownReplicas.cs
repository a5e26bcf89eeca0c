namespace WebFrontend.Status;

/// <summary>
/// The StreamApi replicas with their last answers. Keeps a lost replica as long as its stats, then forgets it. Not
/// thread-safe.
/// </summary>
internal sealed class KnownReplicas
{
    public static readonly TimeSpan Retention = TimeSpan.FromMinutes(10);

    /// <summary>
    /// A replica without an answer for longer counts as lost; a busy one misses only a request or two.
    /// </summary>
    public static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, ReplicaStatus> _known = new(StringComparer.Ordinal);

    public IReadOnlyList<ReplicaStatus> All => [.. _known.Values.OrderBy(r => r.Name, StringComparer.Ordinal)];

    /// <summary>The last second with stats of this replica; 0 if there is none.</summary>
    public long LastSecond(string name) =>
        _known.TryGetValue(name, out var replica) && replica.Stats is [.., var last] ? StatusReport.SecondOf(last) : 0;

    /// <summary>
    /// Takes a new list of replicas. A replica without health has not answered; one that is no longer listed, not even
    /// as lost, is removed.
    /// </summary>
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
                    Stats = [.. (before?.Stats ?? []).Concat(replica.Stats).TakeLast((int)Retention.TotalSeconds)],
                };
        }

        Age(now);
    }

    /// <summary>Marks replicas as lost, and removes those past <see cref="Retention"/>.</summary>
    public void Age(DateTimeOffset now)
    {
        foreach (var (name, replica) in _known.ToArray())
            if (now - replica.SeenAt > Retention)
                _known.Remove(name);
            else
                _known[name] = replica with { Lost = now - replica.SeenAt > LostAfter };
    }
}
