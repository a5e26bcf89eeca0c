namespace Streaming.Connections;

/// <summary>Decides how old a stream may become.</summary>
internal static class MaxStreamAge
{
    /// <summary>Seconds for a stream whose caller has signed in: the time after which ASP.NET Core Identity checks a
    /// cookie's user again.</summary>
    private const int SignedInSeconds = 1_800;

    /// <summary>Returns the maximum age of a new stream in milliseconds, with a tenth of jitter, so that streams that
    /// began together do not end together.</summary>
    public static long Next(SseOptions options, bool isSignedIn) =>
        (options.MaxAgeSeconds ?? (isSignedIn ? SignedInSeconds : 0)) is > 0 and var seconds
            ? seconds * (900L + Random.Shared.Next(200))
            : long.MaxValue / 2;
}
