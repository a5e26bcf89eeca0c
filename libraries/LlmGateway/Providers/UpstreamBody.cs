using System.Buffers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LlmGateway.Providers;

/// <summary>
/// The event stream of one response, with a timeout for each read and a limit of its size. An event without JSON is
/// skipped, because gateways insert such events.
/// </summary>
/// <remarks>A body that is JSON instead of a stream is one event, since some servers answer whole even if a stream was
/// requested.</remarks>
/// <param name="provider">The provider's name, for errors.</param>
/// <param name="options">The limit of the answer.</param>
/// <param name="clock">Measures the timeouts.</param>
/// <param name="cancellationToken">Cancels the request and the reads.</param>
internal sealed partial class UpstreamBody(
    string provider,
    ProviderOptions options,
    TimeProvider clock,
    CancellationToken cancellationToken
) : IAsyncDisposable
{
    private readonly CancellationTokenSource _abandoned = CancellationTokenSource.CreateLinkedTokenSource(
        cancellationToken
    );
    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);
    private static readonly SearchValues<byte> Blank = SearchValues.Create(" \t\r\n\ufeff"u8);

    /// <summary>Names in the events of an answer. Broken JSON without any of them is a line of somebody else, such as a
    /// gateway, and is skipped.</summary>
    private static readonly SearchValues<string> AnswerNames = SearchValues.Create(
        ["\"choices\"", "\"delta\"", "\"message\"", "\"content", "\"type\"", "\"error\"", "\"id\"", "\"index\""],
        StringComparison.Ordinal
    );

    /// <summary>Member of the events after a line that cannot be read.</summary>
    public const string Broken = "JSON that cannot be read";

    /// <summary>Precedes the data of an error.</summary>
    private const char Mark = '\u0001';

    /// <summary>Most bytes that are kept of a body without events.</summary>
    private const int MaxPage = 16 * 1024;

    private readonly AnswerLimit _limit = new(provider, options.MaxAnswerBytes);
    private readonly SurrogateHalves _halves = new();
    private IAsyncEnumerator<SseItem<string>>? _events;
    private TimeSpan _timeout;
    private Stream? _body;
    private int _addedLines;

    /// <summary>True if the body is JSON, false if it is a stream. Null before its first character.</summary>
    private bool? _isJson;

    private bool _hasSkipped;
    private bool _hasEvent;

    /// <summary>The beginning of a body that has no event so far.</summary>
    private readonly ArrayBufferWriter<byte> _beginning = new();

    private bool _isLineStart = true;
    private bool _isBroken;

    /// <summary>Lines of an event that is not JSON as a whole.</summary>
    private Queue<string> _lines = [];

    /// <summary>Time left until the first event, all tries included, or null after it.</summary>
    public Func<TimeSpan>? Remaining { get; set; }

    public HttpResponseMessage? Response { get; set; }

    /// <summary>Data of the current event, or null after the last; the data of an <c>event: error</c> have the member
    /// <c>error</c>. OpenAI's end, <c>[DONE]</c>, becomes Anthropic's, <c>message_stop</c>.</summary>
    public JsonObject? Current { get; private set; }

    /// <summary>The type of a body without events, and the beginning of its text without the marks of HTML.</summary>
    public string Page =>
        $"{Response?.Content.Headers.ContentType?.MediaType ?? "no type"}, "
        + Marks().Replace(Encoding.UTF8.GetString(_beginning.WrittenSpan), " ").Trim();

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
        Current = null;
        _timeout = timeout;

        while (true)
        {
            while (_lines.TryDequeue(out var line))
                if (TryRead(line, isPart: true))
                    return;

            if (!await _events!.MoveNextAsync() || TryRead(_events.Current.Data))
                return;

            // Some servers omit the empty line between events, or insert lines of their own.
            if (_events.Current.Data.Contains('\n'))
                _lines = new Queue<string>(_events.Current.Data.Split('\n'));
        }
    }

    private async ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        const string field = "data: ";
        var read = _isJson is null && buffer.Length > field.Length ? buffer[..^field.Length] : buffer;
        var count = await LimitAsync(_timeout, token => _body!.ReadAsync(read, token));
        while (
            EndsInErrorField(buffer.Span[..count])
            && count < read.Length
            && await LimitAsync(_timeout, token => _body!.ReadAsync(read[count..], token)) is > 0 and var more
        )
            count += more;
        _limit.Add(buffer.Span[..count]);
        if (!_hasEvent)
            _beginning.Write(buffer.Span[..Math.Min(count, MaxPage - _beginning.WrittenCount)]);

        // No stream has a brace or a bracket as its first character, after white space and a byte order mark.
        if (_isJson is null && buffer.Span[..count].IndexOfAnyExcept(Blank) is >= 0 and var start)
        {
            _isJson = buffer.Span[start] is (byte)'{' or (byte)'[' && read.Length < buffer.Length;
            // A byte order mark may have begun in an earlier block.
            buffer.Span[..start].Fill((byte)'\n');
            if (_isJson is true)
            {
                buffer[start..count].CopyTo(buffer[field.Length..]);
                count += Encoding.ASCII.GetBytes(field, buffer.Span) - start;
            }
        }

        if (_isJson is null)
            buffer.Span[..count].Fill((byte)'\n');
        // In JSON a line end is only white space, so it is replaced, and the whole body becomes one line.
        if (_isJson is true)
            buffer.Span[..count].ReplaceAny(LineEnds, (byte)' ');
        else
            MarkErrors(buffer.Span[..count]);

        if (count > 0 || _addedLines == 2)
            return count;

        // Some servers end without the empty line that completes the last event.
        _addedLines++;
        buffer.Span[0] = (byte)'\n';
        return 1;
    }

    /// <summary>Makes each field <c>error</c> at the beginning of a line the data of an event. It is llama.cpp's, and
    /// unknown to the standard.</summary>
    private void MarkErrors(Span<byte> bytes)
    {
        for (var at = 0; bytes[at..].IndexOf("error:"u8) is >= 0 and var next; at++)
        {
            at += next;
            if (at == 0 ? _isLineStart : LineEnds.Contains(bytes[at - 1]))
                "data:\u0001"u8.CopyTo(bytes[at..]);
        }

        _isLineStart = bytes.Length == 0 ? _isLineStart : LineEnds.Contains(bytes[^1]);
    }

    /// <summary>Returns true if the rest of a field's name, which may be <c>error</c>, is in the next block.</summary>
    private bool EndsInErrorField(ReadOnlySpan<byte> bytes)
    {
        var start = bytes.LastIndexOfAny(LineEnds) + 1;
        var line = bytes[start..];
        return (start > 0 || _isLineStart) && line.Length is > 0 and < 6 && "error:"u8.StartsWith(line);
    }

    /// <summary>
    /// Awaits an operation within a time limit and turns every failure into an <see cref="UpstreamException"/>. An
    /// operation that completes at once, such as a read of buffered bytes, needs no timer.
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
            throw UpstreamException.Silent(
                isTotal
                    ? $"{provider} sent no first token in time (AspireSse:Llm:Providers:{provider}:FirstTokenSeconds)."
                    : $"{provider} sent nothing for {limit.TotalSeconds:0} s.",
                e
            );
        }
        // A cancellation may come from a connect timeout, instead of from the caller.
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new UpstreamException(
                502,
                "upstream",
                Response is null
                    ? $"{provider} cannot be reached at AspireSse:Llm:Providers:{provider}:BaseUrl."
                    : $"The connection to {provider} was lost. The answer is incomplete.",
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
            return await task.WaitAsync(limit, clock);
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

    /// <summary>Makes the JSON of an event the current one. Returns false for other text.</summary>
    private bool TryRead(string text, bool isPart = false)
    {
        var isError = _events!.Current.EventType == "error" || text.StartsWith(Mark);
        text = text.TrimStart(Mark);
        var trimmed = text.AsSpan().Trim();
        if (trimmed is "[DONE]")
        {
            // If a part of the answer was not JSON, this end does not prove that the answer is complete.
            Current = _hasSkipped || _isBroken ? null : new JsonObject { ["type"] = "message_stop" };
            return true;
        }

        // Text that cannot be JSON is not parsed, since an exception is costly.
        var json = trimmed is ['{' or '[', ..]
            ? WireJson.ParseLeniently(SurrogateHalves.MayBeIn(text) ? _halves.Join(text) : text)
            : null;
        // A line that was to be a part of the answer: without it the answer would look complete.
        var isBroken =
            json is null
            && trimmed is ['{' or '[', ..]
            && trimmed.ContainsAny(AnswerNames)
            && !isError
            && !trimmed.Contains('\n');
        if (isBroken && !isPart)
            throw AnswerDeltas.Incomplete($"{provider} sent {Broken}.");
        _isBroken |= isBroken;
        // Google sends a list of one error.
        Current = json as JsonObject ?? (json as JsonArray)?.OfType<JsonObject>().FirstOrDefault();

        if (isError && Current?["error"] is null)
            Current = new JsonObject { ["error"] = json ?? text };

        _hasSkipped |= Current is null && trimmed.Length > 0 && !trimmed.Contains('\n');
        if (_isBroken && Current is not null)
            Current[Broken] = true;
        _hasEvent |= Current is not null;
        return Current is not null;
    }

    [GeneratedRegex(@"<(script|style)\b.*?</\1\s*>|<[^>]*>|\s+", RegexOptions.Singleline | RegexOptions.IgnoreCase)]
    private static partial Regex Marks();

    public async ValueTask DisposeAsync()
    {
        if (_events is not null)
            await _events.DisposeAsync();
        Response?.Dispose();
        _abandoned.Dispose();
    }
}
