using EventStore;
using Streaming.Access;

namespace AspireSse;

/// <summary>The <c>Idempotency-Key</c> of a request (draft-ietf-httpapi-idempotency-key-header): a repetition gets the
/// first answer and has no further effect. Keys belong to one user and are kept for 24 hours.</summary>
/// <remarks>Needed by an endpoint that creates something, so that a repeated request does not create it twice.
/// Anonymous callers share their keys, so their keys must be secret, like the ids that they stand for.</remarks>
public static class IdempotencyKey
{
    /// <summary>The name of the header.</summary>
    public const string Header = "Idempotency-Key";
    private const int MaxLength = 255;

    /// <summary>Characters of a random key of 128 bits, in Base64; a UUID has 36.</summary>
    private const int SecretLength = 22;

    /// <summary>Returns an id for the new resource. With a key, it is the id of the first request with the same
    /// key.</summary>
    /// <param name="content">Returns the content that a repetition must have. It is called only for a request with a
    /// key, because a body may be megabytes. The method and the path, with the path base, are compared too.</param>
    /// <exception cref="InvalidRequestException">400: malformed key; 409: used for another request.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer; a retry is safe.</exception>
    public static async Task<Guid> IdAsync(HttpContext context, Func<string> content)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(content);

        var keys = context.RequestServices.GetRequiredService<RequestKeyStore>();
        return Guid.ParseExact((await IdAsync(context, keys, content)).Id, "N");
    }

    internal static async Task<(string Id, bool HasKey)> IdAsync(
        HttpContext context,
        RequestKeyStore keys,
        Func<string> content
    )
    {
        var fresh = Guid.CreateVersion7().ToString("N");
        if (KeyOf(context) is not { } key)
            return (fresh, false);

        if (key.Length < SecretLength && !CallerIdentity.IsSignedIn(context.User))
            throw new InvalidRequestException(
                Header,
                $"of an anonymous caller must be random, of {SecretLength} characters or more, such as a UUID."
            );

        var id = await keys.ClaimAsync(
            OwnerOf(context),
            key,
            Compared(context.Request, content),
            fresh,
            context.RequestAborted
        );

        return (
            id
                ?? throw new InvalidRequestException(
                    Header,
                    "was used for another request in the last 24 hours: use a new one.",
                    StatusCodes.Status409Conflict
                ),
            true
        );
    }

    /// <summary>Returns the id of the first request with the same key, or null if there is none. It does not claim the
    /// key: a request that is refused later leaves its key to the corrected request.</summary>
    internal static async Task<string?> FindAsync(HttpContext context, RequestKeyStore keys, Func<string> content) =>
        KeyOf(context) is { } key
            ? await keys.FindAsync(OwnerOf(context), key, Compared(context.Request, content), context.RequestAborted)
            : null;

    private static string OwnerOf(HttpContext context) =>
        context.RequestServices.GetRequiredService<IStreamAccess>().OwnerOf(context) ?? "";

    private static string Compared(HttpRequest request, Func<string> content) =>
        $"{request.Method} {request.PathBase}{request.Path}\n{content()}";

    /// <summary>Reads the key. The draft quotes it and most clients do not; both are the same key.</summary>
    private static string? KeyOf(HttpContext context)
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
