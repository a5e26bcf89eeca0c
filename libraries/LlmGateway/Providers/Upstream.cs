using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using EventStore;

namespace LlmGateway.Providers;

/// <summary>
/// Reads the event stream of a model provider. Errors before the first event are retried; later ones are not, since the
/// client has part of the answer.
/// </summary>
internal sealed class Upstream(ModelProvider provider, HttpClient http)
{
    // OpenAsync gives up before such a delay, which is longer than all tries together may take.
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromHours(3);

    /// <summary>Longest <c>Retry-After</c> that the gateway waits for; a longer one goes to the client.</summary>
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for the body of an error, so that the client has the error within two seconds.</summary>
    private static readonly TimeSpan ErrorTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Most bytes that are read of an error. The vendors' errors have some kilobytes.</summary>
    private const int MaxErrorBytes = 64 * 1024;

    private readonly ProviderFailure _failure = new(provider);

    public ProviderOptions Options => provider.Options;

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
    /// Reads the data of each event, until the end of the answer or of the body.
    /// </summary>
    /// <param name="request">Creates the request; called once for each try.</param>
    /// <param name="onDelay">Called before each delay.</param>
    /// <param name="cancellationToken">Cancels the request and closes its connection.</param>
    /// <exception cref="UpstreamException">The provider did not answer, its answer is incomplete, or an event is a
    /// failure.</exception>
    public async IAsyncEnumerable<JsonElement> ReadAsync(
        Func<HttpRequestMessage> request,
        Action<DelayNotice>? onDelay,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        await using var body = await OpenAsync(request, onDelay, cancellationToken);
        if (body.Current is null)
            throw _failure.NoAnswer(body.Page);
        while (body.Current is { } data)
        {
            yield return _failure.In(data) is { } failure ? throw failure : data;
            if (WireJson.Is(data, "type", "message_stop"))
                break;
            await body.NextAsync(TimeSpan.FromSeconds(Options.IdleSeconds));
        }
    }

    /// <summary>Opens a body and reads its first event; retries within the limits of the options.</summary>
    private async Task<UpstreamBody> OpenAsync(
        Func<HttpRequestMessage> request,
        Action<DelayNotice>? onDelay,
        CancellationToken cancellationToken
    )
    {
        var start = provider.Clock.GetTimestamp();
        var stalls = 0;

        TimeSpan Remaining() =>
            TimeSpan.FromSeconds(Options.FirstTokenTotalSeconds) - provider.Clock.GetElapsedTime(start);

        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await TryOpenAsync(request, Remaining, cancellationToken);
            }
            catch (UpstreamException e)
            {
                e.WasRetried = attempt > 0;
                var mayRetry = attempt < Options.Retries && IsTransient(e) && (!e.IsStall || stalls++ == 0);
                var delay = DelayBefore(attempt, e.RetryAfter);
                if (!mayRetry || delay >= Remaining())
                    throw;

                // The log omits the provider's message, which may quote the prompt.
                provider.Logger.LogInformation(
                    "{Provider} failed: {Reason} ({Status}). Try {Attempt} follows in {Delay:F0} ms",
                    provider.Name,
                    e.Reason,
                    e.Status,
                    attempt + 2,
                    delay.TotalMilliseconds
                );
                onDelay?.Invoke(new DelayNotice("retrying", e.Reason, attempt + 2, (long)delay.TotalMilliseconds));
                await Task.Delay(delay, provider.Clock, cancellationToken);
            }
        }
    }

    private TimeSpan DelayBefore(int attempt, TimeSpan? retryAfter) =>
        retryAfter is { } wanted
            ? wanted + TimeSpan.FromMilliseconds(Random.Shared.Next(250))
            : Backoff.Delay(attempt, TimeSpan.FromMilliseconds(Options.BackoffMilliseconds), MaxBackoff);

    private static bool IsTransient(UpstreamException exception) =>
        exception.Status is 408 or 429 or >= 500
        && !exception.IsFinal
        && (exception.RetryAfter is null || exception.RetryAfter <= MaxRetryAfter);

    private async Task<UpstreamBody> TryOpenAsync(
        Func<HttpRequestMessage> create,
        Func<TimeSpan> remaining,
        CancellationToken cancellationToken
    )
    {
        var limit = TimeSpan.FromSeconds(Options.FirstTokenSeconds);
        var body = new UpstreamBody(provider, cancellationToken) { Remaining = remaining };
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

            await body.NextAsync(limit);

            // A provider may accept the request and refuse it in its first event.
            if (body.Current is { } first && _failure.In(first) is { } refusal)
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
        // If the provider refuses the key, only the status is reported, so the body is not read.
        var text = status is 401 or 403 ? "" : await ErrorTextAsync(response, cancellationToken);
        return _failure.Of(status, text, RetryAfter(response));
    }

    /// <summary>Reads an error's body until its JSON is complete, because a provider may keep the body open. Returns
    /// the part that has arrived if the rest does not.</summary>
    private async Task<string> ErrorTextAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(ErrorTimeout, provider.Clock);
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
            return false; // Not strict JSON: its end is that of the body.
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
            { Date: { } date } => date > provider.Clock.GetUtcNow() ? date - provider.Clock.GetUtcNow() : TimeSpan.Zero,
            _ => null,
        };
    }
}
