namespace LlmGateway.Providers;

/// <summary>A provider did not give an answer, or not to its end.</summary>
/// <param name="status">What our client is told: the provider's status where it is about the request, else 429, 502,
/// 503 or 504.</param>
/// <param name="reason">A word for programs: <c>upstream</c>, <c>rate_limited</c>, <c>overloaded</c>, <c>timeout</c>,
/// <c>busy</c>, <c>interrupted</c>.</param>
/// <param name="message">For people; holds no key.</param>
/// <param name="retryAfter">When another try makes sense.</param>
/// <param name="inner">The cause.</param>
internal sealed class UpstreamException(
    int status,
    string reason,
    string message,
    TimeSpan? retryAfter = null,
    Exception? inner = null
) : Exception(message, inner)
{
    public int Status => status;
    public string Reason => reason;
    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>The provider took the request and said nothing: another try costs its whole time again.</summary>
    public bool IsStall { get; init; }

    /// <summary>The queue of this server was full: nothing was tried, so a client's own retry is welcome.</summary>
    public bool IsBusy => reason == "busy";
}
