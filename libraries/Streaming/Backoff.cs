namespace Streaming;

/// <summary>Exponential back-off with jitter, so that clients which failed together do not retry together.</summary>
internal static class Backoff
{
    /// <summary>Returns a delay between half and the whole of <paramref name="first"/> · 2^attempt.</summary>
    /// <param name="attempt">Number of failures before this one; from 0.</param>
    /// <param name="first">Longest delay after the first failure.</param>
    /// <param name="max">Longest delay of all.</param>
    public static TimeSpan Delay(int attempt, TimeSpan first, TimeSpan max) =>
        Longest(attempt, first, max) * (0.5 + Random.Shared.NextDouble() / 2);

    /// <summary>The same without jitter, for a source whose readers expect the delay: no other retries with
    /// it.</summary>
    public static TimeSpan Longest(int attempt, TimeSpan first, TimeSpan max) =>
        TimeSpan.FromMilliseconds(Math.Min(first.TotalMilliseconds * Math.Pow(2, attempt), max.TotalMilliseconds));
}
