namespace EventStore;

/// <summary>
/// Rendezvous hashing: every server gets a score for a key, and the highest one has it. A server that leaves moves only
/// its own keys, and the order in which the servers are listed does not matter. The hashes are the same in every
/// process and on every platform.
/// </summary>
internal static class Rendezvous
{
    /// <summary>Returns the index of the server that has the key.</summary>
    /// <param name="servers">The hashes of the servers' names; at least one.</param>
    public static int Choose(ReadOnlySpan<ulong> servers, string key)
    {
        var hash = Hash(key);
        var (chosen, highest) = (0, 0UL);
        for (var i = 0; i < servers.Length; i++)
        {
            var score = Mix(servers[i] ^ hash);
            // Equal scores, one in 2^64, go to the higher hash, so that the order still does not matter.
            if (i > 0 && (score < highest || (score == highest && servers[i] < servers[chosen])))
                continue;
            (chosen, highest) = (i, score);
        }
        return chosen;
    }

    /// <summary>FNV-1a over the UTF-16 code units, mixed, because FNV's high bits differ little between short
    /// keys.</summary>
    public static ulong Hash(string text)
    {
        var hash = 0xcbf29ce484222325UL;
        foreach (var unit in text)
            hash = (hash ^ unit) * 0x100000001b3UL;
        return Mix(hash);
    }

    /// <summary>Returns a number that is equal for servers between which every key is placed alike. One server has
    /// every key under any name.</summary>
    /// <param name="names">The servers' names, in any order.</param>
    public static ulong Placement(IReadOnlyList<string> names) =>
        names.Count == 1 ? 0 : Hash(string.Join(';', names.Order(StringComparer.Ordinal)));

    // The finalizer of SplitMix64.
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9UL;
        value = (value ^ (value >> 27)) * 0x94d049bb133111ebUL;
        return value ^ (value >> 31);
    }
}
