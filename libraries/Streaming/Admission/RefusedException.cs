namespace Streaming.Admission;

/// <summary>
/// A request that is refused because of what it would cost, not because of what it says: 429 for a client's own excess,
/// 503 if all clients together ask for too much. The host answers it with <c>Retry-After</c>.
/// </summary>
/// <param name="isOwnExcess">True for 429.</param>
/// <param name="title">The title of the problem.</param>
/// <param name="detail">What happened, and which limit says so.</param>
internal sealed class RefusedException(bool isOwnExcess, string title, string detail) : Exception(detail)
{
    public string Title => title;

    public int Status { get; } =
        isOwnExcess ? StatusCodes.Status429TooManyRequests : StatusCodes.Status503ServiceUnavailable;

    /// <summary>Time after which to ask again: other requests have ended by then.</summary>
    public TimeSpan RetryAfter { get; } = TimeSpan.FromSeconds(2);
}
