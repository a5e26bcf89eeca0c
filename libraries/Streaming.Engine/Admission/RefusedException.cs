namespace AspireSse.Server;

/// <summary>A request refused for its cost: 429 for a client's own excess, 503 if all clients together ask for too
/// much, 413 for a request that never fits.</summary>
/// <remarks>Needed to catch the refusal of a bound, such as a <see cref="FairGate"/>.</remarks>
public sealed class RefusedException : Exception
{
    internal RefusedException(bool isOwnExcess, string title, string detail)
        : this(
            isOwnExcess ? StatusCodes.Status429TooManyRequests : StatusCodes.Status503ServiceUnavailable,
            title,
            detail
        )
    {
        RetryAfter = UsualDelay;
    }

    private RefusedException(int status, string title, string detail)
        : base(detail)
    {
        Status = status;
        Title = title;
    }

    /// <summary>Time after which other requests have usually ended, or the store answers again.</summary>
    internal static TimeSpan UsualDelay { get; } = TimeSpan.FromSeconds(2);

    /// <summary>Names what is refused, in a few words.</summary>
    public string Title { get; }

    /// <summary>The status of the answer: 413, 429 or 503.</summary>
    public int Status { get; }

    /// <summary>Time after which to ask again, or null if a repetition is in vain.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Refuses a request that is too large even for an idle server.</summary>
    internal static RefusedException NeverFits(string detail) =>
        new(StatusCodes.Status413PayloadTooLarge, "Too large", detail);
}
