using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>
/// Reads an event stream of a model provider. Until its first event everything may be tried again; after it nothing
/// may, since the reader
/// has part of the answer. A line that is no JSON is skipped: gateways in between insert such lines, and the next one
/// is good.
/// </summary>
internal sealed class Upstream(
    string provider,
    HttpClient http,
    ProviderOptions options,
    TimeProvider clock,
    ILogger logger
)
{
    /// <summary>The data of each event, until <c>[DONE]</c> or the end of the body. Valid until the next is asked
    /// for.</summary>
    /// <param name="request">Makes the request, once a try.</param>
    /// <param name="waits">Told of each wait for another try.</param>
    /// <param name="done">Called at <c>[DONE]</c>; a body that ends without it may have broken off.</param>
    /// <param name="cancellationToken">Ends the request; the provider sees its connection closed.</param>
    /// <exception cref="UpstreamException">No answer, or one that broke off or stalled.</exception>
    public async IAsyncEnumerable<JsonElement> ReadAsync(
        Func<HttpRequestMessage> request,
        Action<ProviderWait>? waits,
        Action? done = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var body = await OpenAsync(request, waits, cancellationToken);
        while (body.Current is { } data)
        {
            yield return data.RootElement;
            await body.NextAsync(TimeSpan.FromSeconds(options.IdleSeconds));
        }
        if (body.SaidDone)
            done?.Invoke();
    }

    /// <summary>Comes back with the first event, or fails for good: after so many tries, or so much time, whichever is
    /// over first.</summary>
    private async Task<Body> OpenAsync(
        Func<HttpRequestMessage> request,
        Action<ProviderWait>? waits,
        CancellationToken cancellationToken
    )
    {
        var (start, stalls) = (clock.GetTimestamp(), 0);
        TimeSpan Left() => TimeSpan.FromSeconds(options.FirstTokenTotalSeconds) - clock.GetElapsedTime(start);

        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await TryOpenAsync(request, Left, cancellationToken);
            }
            catch (UpstreamException e)
                when (attempt < options.Retries && IsTransient(e) && (!e.IsStall || stalls++ == 0))
            {
                var delay = options.BackoffMilliseconds * Math.Pow(2, attempt) * (0.5 + Random.Shared.NextDouble() / 2);
                if (e.RetryAfter is { } asked)
                    delay = asked.TotalMilliseconds + Random.Shared.Next(250);
                if (delay >= Left().TotalMilliseconds)
                    throw;
                logger.LogInformation(
                    "{Provider}: {Reason} ({Status}); try {Attempt} in {Delay:F0} ms",
                    provider,
                    e.Reason,
                    e.Status,
                    attempt + 2,
                    delay
                ); // not its message: that may quote what was said
                waits?.Invoke(new ProviderWait("retrying", e.Reason, attempt + 2, (long)delay));
                await Task.Delay(TimeSpan.FromMilliseconds(delay), clock, cancellationToken);
            }
        }
    }

    private bool IsTransient(UpstreamException e) =>
        e.Status is 408 or 429 or >= 500
        && e.Reason != "credentials"
        && (e.RetryAfter is null || e.RetryAfter <= TimeSpan.FromSeconds(options.MaxRetryAfterSeconds));

    private async Task<Body> TryOpenAsync(
        Func<HttpRequestMessage> make,
        Func<TimeSpan> left,
        CancellationToken cancellationToken
    )
    {
        var (limit, body) = (
            TimeSpan.FromSeconds(options.FirstTokenSeconds),
            new Body(provider, clock, cancellationToken) { Left = left }
        );
        try
        {
            using var request = make();
            body.Response = await body.LimitAsync(
                limit,
                token => new ValueTask<HttpResponseMessage>(
                    http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token)
                )
            );
            if (!body.Response.IsSuccessStatusCode)
                throw await RefusedAsync(body.Response, cancellationToken);
            await body.ReadAsync();
            await body.NextAsync(limit);
            body.Left = null;
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    private async Task<UpstreamException> RefusedAsync(
        HttpResponseMessage response,
        CancellationToken cancellationToken
    )
    {
        var status = (int)response.StatusCode;
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            return new UpstreamException(
                502,
                "credentials",
                $"The provider {provider} refuses this server's credentials ({status}). Set Llm:Providers:{provider}:ApiKey."
            );
        string text;
        try
        {
            text = await response
                .Content.ReadAsStringAsync(cancellationToken)
                .WaitAsync(TimeSpan.FromSeconds(5), cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
        {
            text = "";
        }
        var message = $"{provider} answered {status}: {Redacted(Message(text))}";
        var retryAfter = RetryAfter(response);
        return status switch
        {
            429 => new UpstreamException(429, "rate_limited", message, retryAfter),
            503 or 529 => new UpstreamException(503, "overloaded", message, retryAfter),
            408 or 504 => new UpstreamException(504, "timeout", message, retryAfter),
            >= 400 and < 500 => new UpstreamException(status, "upstream", message),
            _ => new UpstreamException(502, "upstream", message, retryAfter),
        };
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

    /// <summary>The vendors' <c>{"error":{"message":…}}</c>, or what there is instead.</summary>
    public static string Message(string text)
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
        catch (JsonException) { }
        return text.Length > 500 ? text[..500] : text;
    }

    public string Redacted(string text) =>
        options.ApiKey.Length > 0 ? text.Replace(options.ApiKey, "***", StringComparison.Ordinal) : text;

    /// <summary>An answer being read, with the watchdog between its lines.</summary>
    private sealed class Body(string provider, TimeProvider clock, CancellationToken cancellationToken) : IDisposable
    {
        private readonly CancellationTokenSource _watch = CancellationTokenSource.CreateLinkedTokenSource(
            cancellationToken
        );
        private readonly StringBuilder _pending = new();
        private ITimer? _timer;
        private StreamReader? _lines;
        private Func<CancellationToken, ValueTask<string?>>? _readLine;

        /// <summary>Until the first event must be there, whatever else comes; null when it is.</summary>
        public Func<TimeSpan>? Left { get; set; }

        public HttpResponseMessage? Response { get; set; }
        public JsonDocument? Current { get; private set; }
        public bool SaidDone { get; private set; }

        public async Task ReadAsync() =>
            _lines = new StreamReader(await Response!.Content.ReadAsStreamAsync(_watch.Token), Encoding.UTF8);

        /// <param name="limit">The longest wait for a line.</param>
        public async ValueTask NextAsync(TimeSpan limit)
        {
            Current?.Dispose();
            Current = null;
            _readLine ??= token => _lines!.ReadLineAsync(token);
            while (await LimitAsync(limit, _readLine) is { } line)
            {
                if (line.Length == 0)
                    _pending.Clear();
                if (!line.StartsWith("data:", StringComparison.Ordinal))
                    continue;
                var data = line.AsSpan(5).Trim();
                if (data is "[DONE]")
                {
                    SaidDone = true;
                    return;
                }
                // Almost always one line; JSON over several data lines is legal too (HTML Living Standard §9.2.6).
                if (TryParse(line.AsMemory(5)))
                {
                    _pending.Clear();
                    return;
                }
                _pending.Append(data).Append('\n');
                if (_pending.Length > data.Length + 1 && TryParse(_pending.ToString().AsMemory()))
                {
                    _pending.Clear();
                    return;
                }
            }
        }

        /// <summary>Waits at most so long, and turns every way of breaking off into one. What is there already costs no
        /// timer: most lines are.</summary>
        public async ValueTask<T> LimitAsync<T>(TimeSpan limit, Func<CancellationToken, ValueTask<T>> wait)
        {
            var isLast = false;
            try
            {
                var waiting = wait(_watch.Token);
                if (waiting.IsCompletedSuccessfully)
                    return waiting.Result;
                if (Left?.Invoke() is { } left && left < limit)
                    (limit, isLast) = (left > TimeSpan.Zero ? left : TimeSpan.Zero, true);
                if (_timer is null)
                    _timer = clock.CreateTimer(
                        static watch => Cancel((CancellationTokenSource)watch!),
                        _watch,
                        limit,
                        Timeout.InfiniteTimeSpan
                    );
                else
                    _timer.Change(limit, Timeout.InfiniteTimeSpan);
                try
                {
                    return await waiting;
                }
                finally
                {
                    _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                }
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
            {
                throw new UpstreamException(
                    504,
                    "timeout",
                    isLast
                        ? $"{provider} gave no first token in time."
                        : $"{provider} sent nothing for {limit.TotalSeconds:0} s.",
                    inner: e
                )
                {
                    IsStall = true,
                };
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw new UpstreamException(
                    502,
                    "upstream",
                    Response is null ? $"{provider} cannot be reached." : $"The connection to {provider} broke off.",
                    inner: e
                );
            }
        }

        private static void Cancel(CancellationTokenSource watch)
        {
            try
            {
                watch.Cancel();
            }
            catch (ObjectDisposedException)
            { /* the answer ended in the same moment */
            }
        }

        private bool TryParse(ReadOnlyMemory<char> text)
        {
            try
            {
                Current = JsonDocument.Parse(text);
            }
            catch (JsonException)
            {
                return false;
            }
            if (Current.RootElement.ValueKind == JsonValueKind.Object)
                return true;
            Current.Dispose();
            Current = null;
            return false;
        }

        public void Dispose()
        {
            _timer?.Dispose();
            Current?.Dispose();
            _lines?.Dispose();
            Response?.Dispose();
            _watch.Dispose();
        }
    }
}
