namespace LlmGateway;

/// <summary>The failure of a provider that did not answer, or whose answer is incomplete.</summary>
/// <param name="status">HTTP status for the client: the provider's own if the request caused it, else 429, 502, 503 or
/// 504.</param>
/// <param name="kind">Machine-readable reason: <c>upstream</c>, <c>rate_limited</c>, <c>overloaded</c>,
/// <c>timeout</c>, <c>credentials</c>, <c>busy</c>, <c>interrupted</c>, <c>too_large</c>.</param>
/// <param name="message">Text for people, without API keys.</param>
/// <param name="retryAfter">Time after which a retry makes sense.</param>
/// <param name="inner">The cause.</param>
internal sealed class UpstreamException(
    int status,
    string kind,
    string message,
    TimeSpan? retryAfter = null,
    Exception? inner = null
) : Exception(message, inner)
{
    /// <summary>Reason of an answer beyond the gateway's limits.</summary>
    public const string TooLarge = "too_large";

    private const string RateLimited = "rate_limited";

    /// <summary>Creates the failure for a status of the provider, with the status that the client gets.</summary>
    /// <param name="status">The provider's status, 400 to 599.</param>
    /// <param name="message">Text for people.</param>
    /// <param name="retryAfter">Time to wait, as the provider says.</param>
    /// <param name="inner">The cause.</param>
    /// <param name="code">The provider's error code, or null if it has none.</param>
    public static UpstreamException OfStatus(
        int status,
        string message,
        TimeSpan? retryAfter = null,
        Exception? inner = null,
        string? code = null
    ) =>
        status switch
        {
            401 or 403 => new(502, "credentials", message, inner: inner),
            429 => new(429, RateLimited, message, retryAfter, inner) { Code = IsOfMoney(code) ? code : null },
            503 or 529 => new(503, "overloaded", message, retryAfter, inner),
            408 or 504 => new(504, "timeout", message, retryAfter, inner),
            >= 400 and < 500 => new(status, "upstream", message, inner: inner) { Code = code },
            _ => new(502, "upstream", message, retryAfter, inner),
        };

    /// <summary>Creates the failure for a provider that was silent for too long.</summary>
    public static UpstreamException Silent(string message, Exception inner) =>
        new(504, "timeout", message, inner: inner) { IsStall = true };

    /// <summary>Creates the failure for an answer of which a part is missing.</summary>
    public static UpstreamException Incomplete(string why) => new(502, "upstream", "The answer is incomplete: " + why);

    public int Status => status;
    public string Kind => kind;

    /// <summary>The provider's error code, such as <c>context_length_exceeded</c>, or null if it has none. It is not
    /// used in metrics, because its values are unbounded.</summary>
    public string? Code { get; init; }

    /// <summary>The most exact reason that is known: the provider's code, or else the kind.</summary>
    public string Reason => Code ?? kind;

    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>True for a 429 that no wait helps: the provider's account has no money left.</summary>
    public bool IsUnpaid => kind == RateLimited && Code is not null;

    /// <summary>True if no retry helps: the provider refuses the key or requires payment, or its answer is too
    /// large.</summary>
    public bool IsFinal => kind is "credentials" or TooLarge || IsUnpaid;

    /// <summary>True after a silence of the provider: a retry may take just as long.</summary>
    public bool IsStall { get; private init; }

    /// <summary>True if this server's queue refused the request, so that the provider got no request.</summary>
    public bool IsBusy => kind == "busy";

    /// <summary>True if the gateway has tried again without success.</summary>
    public bool WasRetried { get; set; }

    /// <summary>
    /// False if a retry by the client would only multiply the requests: the gateway has retried already, or no retry
    /// helps. If there is a time to wait, or this server's queue refused, the client may retry.
    /// </summary>
    public bool MayRetry => IsBusy || (!IsFinal && (retryAfter is not null || !WasRetried));

    private static bool IsOfMoney(string? code) =>
        code == "insufficient_quota" || code?.StartsWith("billing_", StringComparison.Ordinal) == true;
}
