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
/// <param name="provider">The provider, whose key no message repeats.</param>
internal sealed class ProviderFailure(ModelProvider provider)
{
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
    public UpstreamException? In(JsonElement data)
    {
        // OpenRouter's choices have errors of their own.
        foreach (var choice in Items(Get(data, "choices")))
            if (!IsBlank(Get(choice, "error")))
                data = choice;

        var isOfAnswer = Get(data, "choices") is not null || Get(data, "type") is not null;
        var isFailure =
            !IsBlank(Get(data, "error"))
            || !IsBlank(Get(data, "errors"))
            || Is(data, "object", "error")
            || Is(data, "type", "error")
            || (!isOfAnswer && Get(data, "detail") is not null)
            || (!isOfAnswer && Text(data, "message") is not null && StatusOf(data) is not null);
        if (!isFailure)
            return null;

        var details = DetailsOf(data);
        var status = StatusOf(details) ?? StatusOf(data) ?? 502;
        return Of(status, MessageOf(details), details, retryAfter: null);
    }

    /// <summary>Returns the failure that a response describes.</summary>
    public UpstreamException Of(int status, string text, TimeSpan? retryAfter)
    {
        var details = ObjectIn(ParseLeniently(text)) is { } data ? DetailsOf(data) : (JsonElement?)null;
        var said = details is { } known ? MessageOf(known) : text;
        return Of(status, $"{provider.Name} answered {status}: {said}", details, retryAfter);
    }

    /// <summary>Returns the failure of a response that is a page or empty, although its status is that of an
    /// answer.</summary>
    public UpstreamException NoAnswer(string page) =>
        Of(502, $"{provider.Name} sent no event of an answer, but {page}", details: null, retryAfter: null);

    /// <summary>Returns the failure that a library reports with a code.</summary>
    public static UpstreamException Of(string? code, string message)
    {
        var details = ElementOf(new JsonObject { ["code"] = code });
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

    private UpstreamException Of(int status, string message, JsonElement? details, TimeSpan? retryAfter) =>
        UpstreamException.OfStatus(
            status,
            status is 401 or 403
                ? $"{provider.Refuses(status)} Set {provider.Setting(nameof(ProviderOptions.ApiKey))}."
                : Shown(message),
            retryAfter,
            code: CodeOf(details)
        );

    /// <summary>Returns the beginning of the message, which becomes an event and a part of the client's error, without
    /// the API key.</summary>
    private string Shown(string message)
    {
        // The key is removed before the cut, which could leave a part of the key.
        if (provider.Options.ApiKey is { Length: > 0 } key)
            message = message.Replace(key, "***", StringComparison.Ordinal);
        return MessageText.Beginning(message);
    }

    private static JsonElement DetailsOf(JsonElement data) =>
        ObjectIn(Get(data, IsBlank(Get(data, "error")) ? "errors" : "error")) ?? data;

    private static string MessageOf(JsonElement details) =>
        Name(details, "message")
        ?? Name(details, "error")
        ?? Name(details, "detail")
        ?? NodeOf(details)!.ToJsonString(RunJson.Options);

    /// <summary>Returns the status that is given as a number, or the status of a known word.</summary>
    private static int? StatusOf(JsonElement details)
    {
        foreach (var name in (ReadOnlySpan<string>)["code", "status", "status_code", "statusCode"])
            if (
                int.TryParse($"{Get(details, name)}", CultureInfo.InvariantCulture, out var status)
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
    private static string? CodeOf(JsonElement? details) =>
        Name(details, "code") is { } code && Regex.IsMatch(code, @"^[A-Za-z_.-][A-Za-z0-9_.-]{0,63}\z") ? code
        : Text(details, "type")?.Contains("context", StringComparison.OrdinalIgnoreCase) == true
            ? "context_length_exceeded"
        : null;

    /// <summary>Returns true for a value that servers send as the error in events without a failure.</summary>
    private static bool IsBlank(JsonElement? error) =>
        error is null
        || (error is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() == 0)
        || (
            error is { ValueKind: not JsonValueKind.Object } value
            && $"{value}".Trim() is "" or "0" or "False" or "false" or "null"
        );
}
