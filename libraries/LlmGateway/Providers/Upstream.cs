using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using EventStore;

namespace LlmGateway.Providers;

/// <summary>
/// Reads the event stream of a model provider. Errors before the first event are retried; later ones are not, since the
/// client has part of the answer.
/// </summary>
internal sealed class Upstream(
    string provider,
    HttpClient http,
    ProviderOptions options,
    TimeProvider clock,
    ILogger logger
)
{
    // OpenAsync gives up before such a delay: it is longer than all tries together may take.
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromHours(3);

    /// <summary>Longest <c>Retry-After</c> that the gateway waits for; the client gets longer ones.</summary>
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for the body of an error, so that the client has the error within two seconds.</summary>
    private static readonly TimeSpan ErrorTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Bytes that are read of an error; those of the vendors have some kilobytes.</summary>
    private const int MaxErrorBytes = 64 * 1024;

    /// <summary>Characters of an error's message: it becomes an event, and a part of the client's error.</summary>
    private const int MaxMessage = 2_000;

    /// <summary>Creates a request for an event stream.</summary>
    public static HttpRequestMessage Post(Uri address, byte[] json)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, address)
        {
            Content = new ByteArrayContent(json) { Headers = { ContentType = new("application/json") } },
        };
        request.Headers.Accept.ParseAdd("text/event-stream");
        return request;
    }

    /// <summary>
    /// Reads the data of each event, until <c>[DONE]</c> or the end of the body. An element is valid until the next one
    /// is requested.
    /// </summary>
    /// <param name="request">Creates the request; called once a try.</param>
    /// <param name="onDelay">Called before each delay.</param>
    /// <param name="onDone">Called at <c>[DONE]</c>; a body that ends without it may be incomplete.</param>
    /// <param name="cancellationToken">Cancels the request and closes its connection.</param>
    /// <exception cref="UpstreamException">The provider did not answer, or its answer is incomplete.</exception>
    public async IAsyncEnumerable<JsonElement> ReadAsync(
        Func<HttpRequestMessage> request,
        Action<DelayNotice>? onDelay,
        Action? onDone = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        await using var body = await OpenAsync(request, onDelay, cancellationToken);
        while (body.Current is { } data)
        {
            yield return data.RootElement;
            await body.NextAsync(TimeSpan.FromSeconds(options.IdleSeconds));
        }

        if (body.IsDone)
            onDone?.Invoke();
    }

    /// <summary>
    /// The error in an event, <c>{"error":{"type":"overloaded_error","message":…}}</c> in both APIs; null if the
    /// event has none. Its status is that of the same refusal before the stream.
    /// </summary>
    public UpstreamException? ErrorIn(JsonElement element)
    {
        if (WireJson.Object(element, "error") is not { } error)
            return null;

        var message = ErrorMessage(element.GetRawText());
        return (WireJson.Text(error, "type"), WireJson.Text(error, "code")) switch
        {
            ("rate_limit_error", _) or (_, "rate_limit_exceeded") => new(429, "rate_limited", message),
            ("overloaded_error", _) => new(503, "overloaded", message),
            ("timeout_error", _) => new(504, "timeout", message),
            ("invalid_request_error", _) => new(400, "upstream", message),
            _ => new(502, "upstream", message),
        };
    }

    /// <summary>
    /// The message of the vendors' <c>{"error":{"message":…}}</c>, else the text; its beginning, without the API key.
    /// </summary>
    private string ErrorMessage(string text)
    {
        var message = MessageOf(text);

        // Before the cut, which could leave a part of the key.
        if (options.ApiKey.Length > 0)
            message = message.Replace(options.ApiKey, "***", StringComparison.Ordinal);
        if (message.Length <= MaxMessage)
            return message;
        // No half of a surrogate pair at the end.
        return char.IsHighSurrogate(message[MaxMessage - 1]) ? message[..(MaxMessage - 1)] : message[..MaxMessage];
    }

    /// <summary>Opens a body and reads its first event; retries within the limits of the options.</summary>
    private async Task<UpstreamBody> OpenAsync(
        Func<HttpRequestMessage> request,
        Action<DelayNotice>? onDelay,
        CancellationToken cancellationToken
    )
    {
        var (start, stalls) = (clock.GetTimestamp(), 0);

        TimeSpan Remaining() => TimeSpan.FromSeconds(options.FirstTokenTotalSeconds) - clock.GetElapsedTime(start);

        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await TryOpenAsync(request, Remaining, cancellationToken);
            }
            catch (UpstreamException e)
            {
                e.WasRetried = attempt > 0;
                var mayRetry = attempt < options.Retries && IsTransient(e) && (!e.IsStall || stalls++ == 0);
                var delay = DelayBefore(attempt, e.RetryAfter);
                if (!mayRetry || delay >= Remaining())
                    throw;

                // Without the provider's message, which may quote the prompt.
                logger.LogInformation(
                    "{Provider} failed: {Reason} ({Status}). Try {Attempt} follows in {Delay:F0} ms",
                    provider,
                    e.Reason,
                    e.Status,
                    attempt + 2,
                    delay.TotalMilliseconds
                );
                onDelay?.Invoke(new DelayNotice("retrying", e.Reason, attempt + 2, (long)delay.TotalMilliseconds));
                await Task.Delay(delay, clock, cancellationToken);
            }
        }
    }

    private TimeSpan DelayBefore(int attempt, TimeSpan? retryAfter) =>
        retryAfter is { } wanted
            ? wanted + TimeSpan.FromMilliseconds(Random.Shared.Next(250))
            : Backoff.Delay(attempt, TimeSpan.FromMilliseconds(options.BackoffMilliseconds), MaxBackoff);

    private static bool IsTransient(UpstreamException exception) =>
        exception.Status is 408 or 429 or >= 500
        && exception.Reason is not ("credentials" or UpstreamException.TooLarge)
        && (exception.RetryAfter is null || exception.RetryAfter <= MaxRetryAfter);

    private async Task<UpstreamBody> TryOpenAsync(
        Func<HttpRequestMessage> create,
        Func<TimeSpan> remaining,
        CancellationToken cancellationToken
    )
    {
        var limit = TimeSpan.FromSeconds(options.FirstTokenSeconds);
        var body = new UpstreamBody(provider, options, clock, cancellationToken) { Remaining = remaining };
        try
        {
            using var request = create();
            body.Response = await body.LimitAsync(
                limit,
                token => new ValueTask<HttpResponseMessage>(
                    http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token)
                )
            );

            if (!body.Response.IsSuccessStatusCode)
                throw await RefusalAsync(body.Response, cancellationToken);

            await body.OpenAsync();
            await body.NextAsync(limit);

            // A provider may accept the request and refuse it in its first event.
            if (body.Current is { } first && ErrorIn(first.RootElement) is { } refusal)
                throw refusal;

            body.Remaining = null;
            return body;
        }
        catch
        {
            await body.DisposeAsync();
            throw;
        }
    }

    private async Task<UpstreamException> RefusalAsync(
        HttpResponseMessage response,
        CancellationToken cancellationToken
    )
    {
        var status = (int)response.StatusCode;
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            return UpstreamException.OfStatus(
                status,
                $"The provider {provider} refuses this server's credentials ({status}). "
                    + $"Set AspireSse:Llm:Providers:{provider}:ApiKey."
            );

        var text = await ErrorTextAsync(response, cancellationToken);
        var message = $"{provider} answered {status}: {ErrorMessage(text)}";
        return UpstreamException.OfStatus(status, message, RetryAfter(response));
    }

    /// <summary>Reads an error's body until its JSON is complete, because a provider may keep the body open; the part
    /// that has come, if the rest does not.</summary>
    private async Task<string> ErrorTextAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(ErrorTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        var buffer = new byte[MaxErrorBytes];

        var count = 0;
        try
        {
            var body = await response.Content.ReadAsStreamAsync(either.Token);
            while (
                count < buffer.Length
                && !IsWholeObject(buffer.AsSpan(0, count))
                && await body.ReadAsync(buffer.AsMemory(count), either.Token) is > 0 and var read
            )
                count += read;
        }
        catch (Exception e) when (e is HttpRequestException or IOException) { }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { }

        return Encoding.UTF8.GetString(buffer, 0, count);
    }

    private static bool IsWholeObject(ReadOnlySpan<byte> text)
    {
        var json = new Utf8JsonReader(text, isFinalBlock: false, default);
        try
        {
            return json.Read() && json.TokenType == JsonTokenType.StartObject && json.TrySkip();
        }
        catch (JsonException)
        {
            return false; // not JSON: it has no end of its own
        }
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        if (
            response.Headers.TryGetValues("retry-after-ms", out var milliseconds)
            && double.TryParse(milliseconds.First(), NumberStyles.Float, CultureInfo.InvariantCulture, out var ms)
        )
            return TimeSpan.FromMilliseconds(Math.Clamp(ms, 0, 86_400_000));
        return response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date > clock.GetUtcNow() ? date - clock.GetUtcNow() : TimeSpan.Zero,
            _ => null,
        };
    }

    private static string MessageOf(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            if (
                json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("error", out var error)
            )
                return error.ValueKind == JsonValueKind.Object && error.TryGetProperty("message", out var message)
                    ? message.ToString()
                    : error.ToString();
        }
        catch (JsonException) { } // not JSON: the text itself
        return text;
    }
}
