namespace LlmGateway.Dialects;

/// <summary>An error for a vendor's client. Its status, code and field decide its format; its text does not.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">Machine-readable reason, OpenAI's code if OpenAI has one. Null if the status is enough.</param>
/// <param name="Message">Text for people.</param>
/// <param name="Field">The wrong member of the request.</param>
/// <param name="RetryAfter">Time to wait before the next try, or null if it is not known. A response with 429 or 503
/// always names a time.</param>
/// <param name="MayRetry">False if the client's retries would only multiply the requests, as after the gateway's own
/// retries.</param>
internal sealed record VendorError(
    int Status,
    string? Code,
    string Message,
    string? Field = null,
    TimeSpan? RetryAfter = null,
    bool MayRetry = true
)
{
    private const string RateLimited = "rate_limit_exceeded";

    /// <summary>The error for a failure of the server itself.</summary>
    public static VendorError Internal { get; } = new(500, null, "The server failed. Its log has the reason.");

    /// <summary>The error for a server that stops.</summary>
    public static VendorError Stopping { get; } =
        new(
            503,
            null,
            "The server has ended this request before it was complete. Try again.",
            RetryAfter: TimeSpan.FromSeconds(1)
        );

    /// <summary>The error while Postgres does not answer.</summary>
    public static VendorError NoStore { get; } =
        new(503, null, "The server's store does not answer. Try again.", RetryAfter: TimeSpan.FromSeconds(5));

    /// <summary>The error for a run that nobody has begun, or that is no longer kept.</summary>
    public static VendorError NoRun { get; } = new(404, "run_not_found", "There is no such run.");

    /// <summary>The error for a reader that claims to have more frames than a run had when it ended.</summary>
    public static VendorError Beyond { get; } =
        new(400, null, "The stream has ended before the event that the request names.");

    public static VendorError Of(InvalidRequestException refused)
    {
        var code = (refused as InvalidChatException)?.Code;
        var status = code == InvalidChatException.ModelNotFound ? StatusCodes.Status404NotFound : refused.Status;
        var message = code is null ? $"{refused.Field}: {refused.Problem}" : refused.Problem;
        return new VendorError(status, code, message, refused.Field);
    }

    public static VendorError Of(UpstreamException exception) =>
        new(
            exception.Status,
            exception is { Status: StatusCodes.Status429TooManyRequests, IsUnpaid: false }
                ? RateLimited
                : exception.Reason,
            exception.Message,
            RetryAfter: exception.RetryAfter,
            MayRetry: exception.MayRetry
        );

    /// <summary>Returns the error for a refusal that has only a status and a message.</summary>
    public static VendorError Of(int status, string message, TimeSpan? retryAfter = null) =>
        new(
            status,
            status switch
            {
                401 => "invalid_api_key",
                404 => "unknown_url",
                405 => "method_not_supported",
                429 => RateLimited,
                _ => null,
            },
            message,
            RetryAfter: retryAfter
        );
}

/// <summary>An error in place of an answer.</summary>
internal sealed class VendorException(VendorError error) : Exception(error.Message)
{
    public VendorException(int status, string message)
        : this(VendorError.Of(status, message)) { }

    public VendorError Error => error;
}
