namespace EventStore;

/// <summary>Delays, with jitter, of the server's own retries; those of clients are in <c>clients/</c>.</summary>
internal static class Backoff
{
    /// <summary>Returns half to all of <paramref name="first"/> · 2^attempt, at most <paramref name="max"/>.</summary>
    /// <param name="attempt">Number of failures before this one; from 0.</param>
    public static TimeSpan Delay(int attempt, TimeSpan first, TimeSpan max) =>
        Longest(attempt, first, max) * (0.5 + Random.Shared.NextDouble() / 2);

    /// <summary>Returns the delay without jitter, for a delay that is shown in advance or where nothing else
    /// retries.</summary>
    public static TimeSpan Longest(int attempt, TimeSpan first, TimeSpan max) =>
        TimeSpan.FromMilliseconds(Math.Min(first.TotalMilliseconds * Math.Pow(2, attempt), max.TotalMilliseconds));
}
