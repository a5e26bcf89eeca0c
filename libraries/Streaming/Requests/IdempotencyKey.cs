using EventStore;

namespace Streaming.Requests;

/// <summary>
/// The <c>Idempotency-Key</c> of a request (draft-ietf-httpapi-idempotency-key-header): a request that is sent again
/// with its key is answered as the first was, and nothing is done again. Keys are of one user, and kept for 24 h.
/// </summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";
    private const int MaxLength = 255;

    /// <summary>The id for what a request makes: that of the first request with this key, or a fresh one.</summary>
    /// <param name="context">The request.</param>
    /// <param name="keys">Where keys are kept.</param>
    /// <param name="content">What was asked for; method and path count too.</param>
    /// <returns>The id, 32 hexadecimal digits, and whether it came by a key: then it may have been used
    /// before.</returns>
    /// <exception cref="InvalidRequestException">400 for a malformed key, 409 for one that was used for something
    /// else.</exception>
    public static async Task<(string Id, bool HasKey)> IdAsync(
        HttpContext context,
        IdempotencyKeys keys,
        string content
    )
    {
        var fresh = Guid.CreateVersion7().ToString("N");
        if (Of(context) is not { } key)
            return (fresh, false);
        var request = context.Request;
        var id = await keys.ClaimAsync(
            context.User.Identity?.Name ?? "",
            key,
            $"{request.Method} {request.Path}\n{content}",
            fresh,
            context.RequestAborted
        );
        return (
            id
                ?? throw new InvalidRequestException(
                    Header,
                    "was used for another request in the last 24 hours: take a new one.",
                    StatusCodes.Status409Conflict
                ),
            true
        );
    }

    /// <summary>The draft has it in quotes, the field mostly has not: both are the same key.</summary>
    private static string? Of(HttpContext context)
    {
        var values = context.Request.Headers[Header];
        if (values.Count == 0)
            return null;
        var key = values.Count == 1 ? values[0]! : "";
        if (key is ['"', .. var quoted, '"'])
            key = quoted;
        return key.Length is > 0 and <= MaxLength && key.All(c => c is > ' ' and <= '~' and not '"')
            ? key
            : throw new InvalidRequestException(
                Header,
                $"must be one key of 1 to {MaxLength} printable ASCII characters without spaces."
            );
    }
}
