namespace EventStore;

/// <summary>Exponential delays of the server's own retries, with jitter, so that work that failed together is not
/// retried together. The delays of clients are in <c>clients/</c>.</summary>
public static class Backoff
{
    /// <summary>Returns a delay between half and the whole of <paramref name="first"/> · 2^attempt.</summary>
    /// <param name="attempt">Number of failures before this one; from 0.</param>
    /// <param name="first">Longest delay after the first failure.</param>
    /// <param name="max">Longest delay of all.</param>
    public static TimeSpan Delay(int attempt, TimeSpan first, TimeSpan max) =>
        Longest(attempt, first, max) * (0.5 + Random.Shared.NextDouble() / 2);

    /// <summary>Returns the delay without jitter, for one that readers are shown in advance, or that nothing else
    /// retries with.</summary>
    /// <param name="attempt">Number of failures before this one; from 0.</param>
    /// <param name="first">Delay after the first failure.</param>
    /// <param name="max">Longest delay of all.</param>
    public static TimeSpan Longest(int attempt, TimeSpan first, TimeSpan max) =>
        TimeSpan.FromMilliseconds(Math.Min(first.TotalMilliseconds * Math.Pow(2, attempt), max.TotalMilliseconds));
}
