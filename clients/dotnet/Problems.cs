using System.Text.Json;

namespace AspireSse.Client;

/// <summary>Reads error responses.</summary>
internal static class Problems
{
    private const int MaxBytes = 64 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    /// <summary>Reads the problem details of a response from what comes within a second, since a body may have no end.
    /// Null if it has none or they cannot be read.</summary>
    public static async Task<ProblemDetails?> ReadAsync(
        HttpResponseMessage response,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        if (
            response.Content.Headers.ContentType?.MediaType is not { } type
            || !type.EndsWith("json", StringComparison.OrdinalIgnoreCase)
        )
            return null;

        using var limit = new CancellationTokenSource(Limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var beginning = new MemoryStream(new byte[MaxBytes]);
        try
        {
            await response.Content.CopyToAsync(beginning, either.Token).ConfigureAwait(false);
        }
        catch (Exception e)
            when (e is HttpRequestException or IOException or OperationCanceledException or NotSupportedException)
        {
            // What has come, at most the maximum, may be whole.
            cancellationToken.ThrowIfCancellationRequested();
        }

        try
        {
            beginning.SetLength(beginning.Position);
            beginning.Position = 0;
            return JsonSerializer.Deserialize(beginning, ClientJson.Default.ProblemDetails);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Formats a response and its problem: <c>404 Not Found: Unknown topic. …</c></summary>
    public static string Describe(HttpResponseMessage response, ProblemDetails? problem)
    {
        var words = string.Join(
            " ",
            new[] { problem?.Title?.TrimEnd('.') + ".", problem?.Detail }.Where(w => w is not (null or "" or "."))
        );
        return $"{(int)response.StatusCode} {response.ReasonPhrase}{(words.Length > 0 ? ": " : "")}{words}";
    }

    /// <summary>Reads <c>Retry-After</c> (RFC 9110 §10.2.3), in seconds or as a date.</summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider clock) =>
        response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - clock.GetUtcNow() is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
            _ => null,
        };

    /// <summary>Returns true for statuses that a retry may change: 408, 425, 429 and 5xx.</summary>
    public static bool IsTransient(System.Net.HttpStatusCode status) => (int)status is 408 or 425 or 429 or >= 500;
}
