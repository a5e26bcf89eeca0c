using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using EventStore;

namespace LlmGateway.Providers;

/// <summary>
/// The event stream of one response, with a timeout for each read and a limit of its size. An event without JSON is
/// skipped, because gateways insert such events.
/// </summary>
/// <remarks>A body that is JSON instead of a stream is one event, since some servers answer whole even if a stream was
/// requested.</remarks>
/// <param name="provider">The provider, which has the limit of the answer.</param>
/// <param name="cancellationToken">Cancels the request and the reads.</param>
internal sealed partial class UpstreamBody(ModelProvider provider, CancellationToken cancellationToken)
    : IAsyncDisposable
{
    private readonly CancellationTokenSource _abandoned = CancellationTokenSource.CreateLinkedTokenSource(
        cancellationToken
    );

    private static readonly JsonElement End = JsonElement.Parse("""{"type":"message_stop"}""");

    /// <summary>Most bytes that are kept of a body without events.</summary>
    private const int MaxPage = 16 * 1024;

    private readonly SurrogateHalves _halves = new();
    private BodyLines? _lines;
    private TimeSpan _timeout;
    private Stream? _body;
    private bool _hasSkipped;
    private bool _hasEvent;

    /// <summary>The beginning of a body that has no event so far.</summary>
    private readonly ArrayBufferWriter<byte> _beginning = new();

    /// <summary>Lines of the current event.</summary>
    private readonly List<(string Text, bool IsError)> _event = [];

    /// <summary>Lines of an event that is not JSON as a whole.</summary>
    private Queue<(string Text, bool IsError)> _parts = [];

    /// <summary>Time left until the first event, all tries included, or null after it.</summary>
    public Func<TimeSpan>? Remaining { get; set; }

    public HttpResponseMessage? Response { get; set; }

    /// <summary>Data of the current event, or null after the last; the data of an <c>event: error</c> have the member
    /// <c>error</c>. OpenAI's end, <c>[DONE]</c>, becomes Anthropic's, <c>message_stop</c>.</summary>
    public JsonElement? Current { get; private set; }

    /// <summary>The type of a body without events, and the beginning of its text without the marks of HTML.</summary>
    public string Page =>
        $"{Response?.Content.Headers.ContentType?.MediaType ?? "no type"}, "
        + Marks().Replace(Encoding.UTF8.GetString(_beginning.WrittenSpan), " ").Trim();

    /// <summary>Reads the next event.</summary>
    /// <param name="timeout">Longest silence: the wait for the next bytes, which may be a comment.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask NextAsync(TimeSpan timeout)
    {
        Current = null;
        _timeout = timeout;

        while (true)
        {
            while (_parts.TryDequeue(out var part))
                if (TryRead(part.Text, part.IsError))
                    return;

            var lines = await EventAsync();
            if (lines.Count == 0)
                return;

            var text = lines.Count == 1 ? lines[0].Text : string.Join('\n', lines.Select(line => line.Text));
            if (TryRead(text, lines[0].IsError))
                return;

            // Some servers omit the empty line between events, or insert lines of their own.
            if (lines.Count > 1 && _parts.Count == 0)
            {
                if (!lines.Exists(line => Parse(line.Text) is not null) && IsOfAnswer(text))
                    throw Unreadable();
                _parts = new Queue<(string, bool)>(lines);
            }
        }
    }

    /// <summary>Reads the data of the next event, line by line. A field <c>error</c> is llama.cpp's, and unknown to the
    /// standard.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<List<(string Text, bool IsError)>> EventAsync()
    {
        _event.Clear();
        var isError = false;

        if (_lines is null)
        {
            _body = await Response!.Content.ReadAsStreamAsync(_abandoned.Token);
            _lines = new BodyLines(ReadAsync, provider);
            // No stream has a brace or a bracket as its first character. In JSON a line end is only white space.
            if (await _lines.FirstAsync() is (byte)'{' or (byte)'[')
                return [(Encoding.UTF8.GetString((await _lines.RestAsync()).Span).ReplaceLineEndings(" "), false)];
        }

        while (await _lines.NextAsync() is { } line && (line.Length > 0 || (_event.Count == 0 && !isError)))
        {
            var (name, value) = FieldOf(line);
            if (name == "event")
                isError = value.Span.SequenceEqual("error"u8);
            else if (name is "data" or "error")
                _event.Add((Encoding.UTF8.GetString(value.Span), name == "error"));
            // No field begins so: it is JSON or a page of something before the server.
            else if (line.Span is [(byte)'{' or (byte)'[' or (byte)'<', ..])
                _event.Add((Encoding.UTF8.GetString(line.Span), false));
        }

        // An error without data.
        if (isError && _event.Count == 0)
            _event.Add(("error", true));

        return isError ? _event.ConvertAll(line => (line.Text, true)) : _event;
    }

    /// <summary>Returns the name of a field that is read, and its value.</summary>
    private static (string? Name, ReadOnlyMemory<byte> Value) FieldOf(ReadOnlyMemory<byte> line)
    {
        var colon = line.Span.IndexOf((byte)':');
        var name = (colon < 0 ? line : line[..colon]).Span;
        var value = colon < 0 ? default : line[(colon + 1)..];
        return (
            name.SequenceEqual("data"u8) ? "data"
            : name.SequenceEqual("event"u8) ? "event"
            : name.SequenceEqual("error"u8) ? "error"
            : null,
            value.Span is [(byte)' ', ..] ? value[1..] : value
        );
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        var count = await LimitAsync(_timeout, token => _body!.ReadAsync(buffer, token));
        if (!_hasEvent)
            _beginning.Write(buffer.Span[..Math.Min(count, MaxPage - _beginning.WrittenCount)]);
        return count;
    }

    /// <summary>
    /// Awaits an operation within a time limit and turns every failure into an <see cref="UpstreamException"/>. An
    /// operation that completes at once, such as a read of buffered bytes, needs no timer.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
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

            var task = waiting.AsTask();
            if (await task.EndsWithinAsync(limit, provider.Clock))
                return await task;

            await _abandoned.CancelAsync();
            await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (task.IsCompletedSuccessfully)
                (task.Result as IDisposable)?.Dispose();
            var setting = provider.Setting(nameof(ProviderOptions.FirstTokenSeconds));
            throw isTotal
                ? UpstreamException.Silent(
                    $"{provider.Name} sent no first token in time ({setting}).",
                    new TimeoutException()
                )
                : provider.Silent(limit);
        }
        // A cancellation may come from a connect timeout, instead of from the caller.
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw provider.Lost(Response is not null, $" at {provider.Setting(nameof(ProviderOptions.BaseUrl))}", e);
        }
    }

    /// <summary>Makes the JSON of an event the current one. Returns false for other text.</summary>
    private bool TryRead(string text, bool isError)
    {
        var trimmed = text.AsSpan().Trim();
        if (trimmed is "[DONE]")
        {
            // If a part of the answer was not JSON, this end does not prove that the answer is complete.
            Current = _hasSkipped ? null : End;
            return true;
        }

        var json = Parse(text);
        var isLine = !trimmed.Contains('\n');
        if (json is null && isLine && !isError && IsOfAnswer(text))
            throw Unreadable();

        // Google sends a list of one error.
        if (json is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 1)
        {
            _parts = new(list.EnumerateArray().Select(item => (item.GetRawText(), isError)).Concat(_parts));
            return false;
        }

        Current = WireJson.ObjectIn(json);
        if (isError && WireJson.Get(Current, "error") is null)
            Current = WireJson.ElementOf(new JsonObject { ["error"] = WireJson.NodeOf(json) ?? text });

        _hasSkipped |= Current is null && trimmed.Length > 0 && isLine;
        _hasEvent |= Current is not null;
        return Current is not null;
    }

    /// <summary>Parses text that may be JSON. Other text is not parsed, since an exception is costly.</summary>
    private JsonElement? Parse(string text) =>
        text.AsSpan().Trim() is not ['{' or '[', ..] ? null : WireJson.ParseLeniently(_halves.Join(text));

    /// <summary>Returns true for broken JSON that was to be a part of the answer, which would look complete without it.
    /// Other broken JSON is a line of somebody else, such as a gateway, and is skipped.</summary>
    private static bool IsOfAnswer(string text) =>
        text.AsSpan().Trim() is ['{' or '[', ..] && AnswerParts.AreNamedIn(text);

    private UpstreamException Unreadable() =>
        UpstreamException.Incomplete($"{provider.Name} sent JSON that cannot be read.");

    [GeneratedRegex(@"<(script|style)\b.*?</\1\s*>|<[^>]*>|\s+", RegexOptions.Singleline | RegexOptions.IgnoreCase)]
    private static partial Regex Marks();

    public async ValueTask DisposeAsync()
    {
        if (_body is not null)
            await _body.DisposeAsync();
        Response?.Dispose();
        _abandoned.Dispose();
    }
}
