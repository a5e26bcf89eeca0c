using System.Text.Json;

namespace AspireSse.Client;

/// <summary>Reads what a server says of a failure.</summary>
internal static class Problems
{
    private const int MaxBytes = 64 * 1024;

    /// <summary>The problem details of an answer; null where it has none that can be read.</summary>
    public static async Task<ProblemDetails?> ReadAsync(
        HttpResponseMessage response,
        CancellationToken cancellationToken
    )
    {
        if (
            response.Content.Headers.ContentType?.MediaType is not { } type
            || !type.EndsWith("json", StringComparison.OrdinalIgnoreCase)
        )
            return null;
        try
        {
            await response.Content.LoadIntoBufferAsync(MaxBytes, cancellationToken).ConfigureAwait(false);
            var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            return await JsonSerializer
                .DeserializeAsync(body, ClientJson.Default.ProblemDetails, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (e is JsonException or HttpRequestException or IOException)
        {
            return null;
        }
    }

    /// <summary><c>404 Not Found: Unknown topic. …</c></summary>
    public static string Describe(HttpResponseMessage response, ProblemDetails? problem)
    {
        var words = string.Join(
            " ",
            new[] { problem?.Title?.TrimEnd('.') + ".", problem?.Detail }.Where(w => w is not (null or "" or "."))
        );
        return $"{(int)response.StatusCode} {response.ReasonPhrase}{(words.Length > 0 ? ": " : "")}{words}";
    }

    /// <summary>How long the server asks to wait (RFC 9110 §10.2.3): seconds or a date.</summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider clock) =>
        response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - clock.GetUtcNow() is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
            _ => null,
        };

    /// <summary>Statuses that a repeat may change.</summary>
    public static bool IsTransient(System.Net.HttpStatusCode status) => (int)status is 408 or 429 or >= 500;
}
