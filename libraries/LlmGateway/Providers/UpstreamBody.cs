using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>
/// The event stream of one response, with a timeout for each read and a limit of its size. An event without JSON is
/// skipped, because gateways insert such events.
/// </summary>
internal sealed class UpstreamBody : IAsyncDisposable
{
    private readonly string _provider;
    private readonly TimeProvider _clock;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _abandoned;
    private readonly AnswerLimit _limit;
    private readonly SurrogateHalves _halves = new();
    private IAsyncEnumerator<SseItem<string>>? _events;
    private TimeSpan _timeout;
    private Stream? _body;
    private int _addedLines;

    // Lines of an event that is no JSON as a whole.
    private string[] _lines = [];
    private int _nextLine;

    /// <param name="provider">The provider's name, for errors.</param>
    /// <param name="options">The limit of the answer.</param>
    /// <param name="clock">Measures the timeouts.</param>
    /// <param name="cancellationToken">Cancels the request and the reads.</param>
    public UpstreamBody(
        string provider,
        ProviderOptions options,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        _provider = provider;
        _clock = clock;
        _cancellationToken = cancellationToken;
        _abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _limit = new AnswerLimit(provider, options.MaxAnswerBytes);
    }

    /// <summary>Time left until the first event, all tries included; null after it.</summary>
    public Func<TimeSpan>? Remaining { get; set; }

    public HttpResponseMessage? Response { get; set; }

    /// <summary>Data of the current event; null after the last.</summary>
    public JsonDocument? Current { get; private set; }

    /// <summary>True after <c>[DONE]</c>.</summary>
    public bool IsDone { get; private set; }

    public async Task OpenAsync()
    {
        _body = await Response!.Content.ReadAsStreamAsync(_abandoned.Token);
        _events = SseParser
            .Create(new AnswerStream(ReadAsync), static (_, data) => Encoding.UTF8.GetString(data))
            .EnumerateAsync(_abandoned.Token)
            .GetAsyncEnumerator();
    }

    /// <summary>Reads the next event.</summary>
    /// <param name="timeout">Longest silence: the wait for the next bytes, which may be a comment.</param>
    public async ValueTask NextAsync(TimeSpan timeout)
    {
        Current?.Dispose();
        Current = null;
        _timeout = timeout;
        if (TryParseLines())
            return;

        while (await _events!.MoveNextAsync())
        {
            var data = _events.Current.Data;
            if (data.AsSpan().Trim() is "[DONE]")
            {
                IsDone = true;
                return;
            }
            if (TryParse(data))
                return;

            // Some servers omit the empty line between events, or insert lines of their own.
            _lines = data.Contains('\n') ? data.Split('\n') : [];
            _nextLine = 0;
            if (TryParseLines())
                return;
        }
    }

    private bool TryParseLines()
    {
        while (_nextLine < _lines.Length)
        {
            var line = _lines[_nextLine++];
            if (line.AsSpan().Trim() is "[DONE]")
            {
                IsDone = true;
                return true;
            }
            if (TryParse(line))
                return true;
        }
        return false;
    }

    private async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = await LimitAsync(_timeout, token => _body!.ReadAsync(buffer, token));
        _limit.Add(buffer.Span[..count]);
        if (count > 0 || _addedLines == 2)
            return count;

        // Some servers end without the empty line that completes the last event.
        _addedLines++;
        buffer.Span[0] = (byte)'\n';
        return 1;
    }

    /// <summary>
    /// Awaits an operation within a time limit and turns every failure into an <see cref="UpstreamException"/>. An
    /// operation that is complete at once, as a read of buffered bytes, needs no timer.
    /// </summary>
    public async ValueTask<T> LimitAsync<T>(TimeSpan limit, Func<CancellationToken, ValueTask<T>> start)
    {
        var isTotal = false;
        try
        {
            var waiting = start(_abandoned.Token);
            if (waiting.IsCompletedSuccessfully)
                return waiting.Result;

            if (Remaining?.Invoke() is { } remaining && remaining < limit)
            {
                limit = remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
                isTotal = true;
            }
            return await WaitAsync(waiting.AsTask(), limit);
        }
        catch (TimeoutException e)
        {
            throw new UpstreamException(
                504,
                "timeout",
                isTotal
                    ? $"{_provider} sent no first token in time (Llm:Providers:{_provider}:FirstTokenSeconds)."
                    : $"{_provider} sent nothing for {limit.TotalSeconds:0} s.",
                inner: e
            )
            {
                IsStall = true,
            };
        }
        // Not every cancellation is the caller's: a connect that takes too long throws one as well.
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            throw new UpstreamException(
                502,
                "upstream",
                Response is null
                    ? $"{_provider} cannot be reached at Llm:Providers:{_provider}:BaseUrl."
                    : $"The connection to {_provider} was lost. The answer is incomplete.",
                inner: e
            );
        }
    }

    /// <summary>
    /// Waits for a task, and abandons it at the limit. A timer that fires after the task's end changes nothing: it
    /// belongs to this wait alone.
    /// </summary>
    private async Task<T> WaitAsync<T>(Task<T> task, TimeSpan limit)
    {
        try
        {
            return await task.WaitAsync(limit, _clock);
        }
        catch (TimeoutException)
        {
            if (task.IsCompletedSuccessfully)
                return task.Result;
            await _abandoned.CancelAsync();
            await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (task.IsCompletedSuccessfully)
                (task.Result as IDisposable)?.Dispose();
            throw;
        }
    }

    private bool TryParse(string text)
    {
        if (!text.AsSpan().TrimStart().StartsWith('{'))
            return false; // without the cost of an exception
        try
        {
            Current = JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            return false;
        }
        if (SurrogateHalves.MayBeIn(text))
        {
            Current.Dispose();
            Current = JsonDocument.Parse(_halves.Join(text));
        }
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        if (_events is not null)
            await _events.DisposeAsync();
        Current?.Dispose();
        Response?.Dispose();
        _abandoned.Dispose();
    }
}
