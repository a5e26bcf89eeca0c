using System.Text;
using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>
/// The event stream of one response, with a timeout for each line. A line without JSON is skipped, because gateways
/// insert such lines.
/// </summary>
internal sealed class UpstreamBody(string provider, TimeProvider clock, CancellationToken cancellationToken)
    : IDisposable
{
    private readonly CancellationTokenSource _timeout = CancellationTokenSource.CreateLinkedTokenSource(
        cancellationToken
    );
    private readonly StringBuilder _pending = new();
    private readonly SurrogateHalves _halves = new();
    private ITimer? _timer;
    private StreamReader? _lines;
    private Func<CancellationToken, ValueTask<string?>>? _readLine;

    /// <summary>Time left until the first event, all tries included; null after it.</summary>
    public Func<TimeSpan>? Remaining { get; set; }

    public HttpResponseMessage? Response { get; set; }

    /// <summary>Data of the current event; null after the last.</summary>
    public JsonDocument? Current { get; private set; }

    /// <summary>True after <c>[DONE]</c>.</summary>
    public bool IsDone { get; private set; }

    public async Task OpenAsync() =>
        _lines = new StreamReader(await Response!.Content.ReadAsStreamAsync(_timeout.Token), Encoding.UTF8);

    /// <summary>Reads the next event.</summary>
    /// <param name="limit">Longest wait for a line.</param>
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
                IsDone = true;
                return;
            }
            // Almost always one line, but an event may have several (HTML Living Standard §9.2.6).
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

    /// <summary>
    /// Awaits an operation within a time limit and turns every failure into an <see cref="UpstreamException"/>. A
    /// buffered line, the usual case, needs no timer.
    /// </summary>
    public async ValueTask<T> LimitAsync<T>(TimeSpan limit, Func<CancellationToken, ValueTask<T>> start)
    {
        var isTotal = false;
        try
        {
            var waiting = start(_timeout.Token);
            if (waiting.IsCompletedSuccessfully)
                return waiting.Result;
            if (Remaining?.Invoke() is { } remaining && remaining < limit)
                (limit, isTotal) = (remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero, true);
            if (_timer is null)
                _timer = clock.CreateTimer(
                    static timeout => Cancel((CancellationTokenSource)timeout!),
                    _timeout,
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
        // Not every cancellation is a timeout of this class: a connect that takes too long throws one as well.
        catch (OperationCanceledException e)
            when (_timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new UpstreamException(
                504,
                "timeout",
                isTotal
                    ? $"{provider} sent no first token in time (Llm:Providers:{provider}:FirstTokenTotalSeconds)."
                    : $"{provider} sent nothing for {limit.TotalSeconds:0} s.",
                inner: e
            )
            {
                IsStall = true,
            };
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new UpstreamException(
                502,
                "upstream",
                Response is null
                    ? $"{provider} cannot be reached at Llm:Providers:{provider}:BaseUrl."
                    : $"The connection to {provider} was lost. The answer is incomplete.",
                inner: e
            );
        }
    }

    private static void Cancel(CancellationTokenSource timeout)
    {
        try
        {
            timeout.Cancel();
        }
        catch (ObjectDisposedException) { } // the answer ended at the same time
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
        if (Current.RootElement.ValueKind != JsonValueKind.Object)
        {
            Current.Dispose();
            Current = null;
            return false;
        }
        if (SurrogateHalves.MayBeIn(text.Span))
        {
            Current.Dispose();
            Current = JsonDocument.Parse(_halves.Join(text.ToString()));
        }
        return true;
    }

    public void Dispose()
    {
        _timer?.Dispose();
        Current?.Dispose();
        _lines?.Dispose();
        Response?.Dispose();
        _timeout.Dispose();
    }
}
