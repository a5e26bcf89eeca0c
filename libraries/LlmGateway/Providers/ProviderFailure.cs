using System.Globalization;
using System.Text.RegularExpressions;
using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers;

/// <summary>
/// Reads a provider's description of its failure, in a response or inside a stream. Each server has its own form:
/// <code>
/// {"error":{"type":"overloaded_error","message":…}}   {"error":{"code":429,"message":…}}   {"error":"quota"}
/// {"object":"error","message":…,"code":400}           {"type":"error","message":…}         {"detail":…}
/// {"errors":[{"code":7009,"message":…}]}              {"code":429,"message":…}
/// </code>
/// </summary>
/// <param name="provider">The provider's name.</param>
/// <param name="apiKey">A secret that no message repeats.</param>
internal sealed class ProviderFailure(string provider, string apiKey)
{
    /// <summary>Most characters of a message, which becomes an event and a part of the client's error.</summary>
    private const int MaxMessage = 2_000;

    /// <summary>Words for each kind of failure, and its status. The first kind that matches decides.</summary>
    private static readonly (string Words, int Status)[] Kinds =
    [
        ("context", 400),
        ("rate_?limit|quota|throttl|exhausted|too_many", 429),
        ("overload|unavailable|capacity", 503),
        ("timeout|deadline", 504),
        ("auth|api_key|permission", 401),
        ("not_found", 404),
        ("too_large", 413),
        ("invalid|bad_?request|unsupported|policy|filter", 400),
    ];

    /// <summary>Returns the failure that an event describes, or null if the event is not a failure. Its status is that
    /// of the same refusal before the stream.</summary>
    public UpstreamException? In(JsonObject data)
    {
        var isFailure =
            !IsBlank(data["error"])
            || !IsBlank(data["errors"])
            || Text(data, "object") == "error"
            || Text(data, "type") == "error"
            || (
                data["choices"] is null
                && data["type"] is null
                && (data["detail"] is not null || (Text(data, "message") is not null && StatusOf(data) is not null))
            );
        if (!isFailure)
            return null;

        var details = DetailsOf(data);
        var status = StatusOf(details) ?? StatusOf(data) ?? 502;
        return Of(status, MessageOf(details), details, retryAfter: null);
    }

    /// <summary>Returns the failure that a response describes.</summary>
    public UpstreamException Of(int status, string text, TimeSpan? retryAfter)
    {
        var json = Parse(text);
        var data = json as JsonObject ?? (json as JsonArray)?.OfType<JsonObject>().FirstOrDefault();
        var details = data is null ? null : DetailsOf(data);
        return Of(
            status,
            $"{provider} answered {status}: {(details is null ? text : MessageOf(details))}",
            details,
            retryAfter
        );
    }

    /// <summary>Returns the failure of a response that is a page or empty, although its status is that of an
    /// answer.</summary>
    public UpstreamException NoAnswer(string page) =>
        Of(502, $"{provider} sent no event of an answer, but {page}", details: null, retryAfter: null);

    /// <summary>Returns the failure that a library reports with a code.</summary>
    public static UpstreamException Of(string? code, string message)
    {
        var details = new JsonObject { ["code"] = code };
        return UpstreamException.OfStatus(StatusOf(details) ?? 502, message, code: CodeOf(details));
    }

    /// <summary>Returns a chat client's content, with a refusal as text, and throws for any other error. OpenAI's
    /// package has both as errors, and an answer that has failed must not look complete.</summary>
    /// <param name="content">The content.</param>
    /// <param name="message">Replaces the error's own message, which may quote a key.</param>
    /// <exception cref="UpstreamException">The answer has failed.</exception>
    public static AIContent Read(AIContent content, string message) =>
        content switch
        {
            ErrorContent { ErrorCode: "Refusal" } refusal => RefusalText.Of(refusal.Message),
            ErrorContent error => throw Of(error.ErrorCode, message),
            _ => content,
        };

    private UpstreamException Of(int status, string message, JsonObject? details, TimeSpan? retryAfter) =>
        UpstreamException.OfStatus(
            status,
            status is 401 or 403
                ? $"The provider {provider} refuses this server's credentials ({status}). "
                    + $"Set AspireSse:Llm:Providers:{provider}:ApiKey."
                : Shown(message),
            retryAfter,
            code: CodeOf(details)
        );

    /// <summary>Returns the message without the API key, and with at most <see cref="MaxMessage"/>
    /// characters.</summary>
    private string Shown(string message)
    {
        // The key is removed before the cut, which could leave a part of the key.
        if (apiKey.Length > 0)
            message = message.Replace(apiKey, "***", StringComparison.Ordinal);
        if (message.Length <= MaxMessage)
            return message;
        // The cut must not leave half of a surrogate pair at the end.
        return char.IsHighSurrogate(message[MaxMessage - 1]) ? message[..(MaxMessage - 1)] : message[..MaxMessage];
    }

    private static JsonObject DetailsOf(JsonObject data)
    {
        var error = IsBlank(data["error"]) ? data["errors"] : data["error"];
        return error as JsonObject ?? (error as JsonArray)?.OfType<JsonObject>().FirstOrDefault() ?? data;
    }

    private static string MessageOf(JsonObject details) =>
        Name(details, "message")
        ?? Name(details, "error")
        ?? Name(details, "detail")
        ?? details.ToJsonString(RunJson.Options);

    /// <summary>Returns the status that is given as a number, or the status of a known word.</summary>
    private static int? StatusOf(JsonObject details)
    {
        foreach (var name in (ReadOnlySpan<string>)["code", "status", "status_code", "statusCode"])
            if (
                details[name] is JsonValue value
                && int.TryParse(value.ToString(), CultureInfo.InvariantCulture, out var status)
                && status is >= 400 and < 600
            )
                return status;

        var said = $"{Text(details, "type")} {Text(details, "code")} {Text(details, "status")}";
        foreach (var (words, status) in Kinds)
            if (Regex.IsMatch(said, words, RegexOptions.IgnoreCase))
                return status;
        return null;
    }

    /// <summary>Returns the vendor's error code, which its clients look for, or null if there is none.</summary>
    private static string? CodeOf(JsonObject? details) =>
        Name(details, "code") is { } code && Regex.IsMatch(code, @"^[A-Za-z_.-][A-Za-z0-9_.-]{0,63}\z") ? code
        : Text(details, "type")?.Contains("context", StringComparison.OrdinalIgnoreCase) == true
            ? "context_length_exceeded"
        : null;

    /// <summary>Returns true for a value that servers send as the error in events without a failure.</summary>
    private static bool IsBlank(JsonNode? error) =>
        error is null or JsonArray { Count: 0 }
        || (error is JsonValue value && value.ToString().Trim() is "" or "0" or "false" or "null");
}
