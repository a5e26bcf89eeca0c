using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Harness.Worlds;

/// <summary>A frame as received. A missing field is null.</summary>
internal sealed record Frame(string? Id, string? Event, string? Data, string? Retry, string? Comment);

/// <summary>The notice that an id cannot be honoured.</summary>
internal sealed record Resync(string Reason, string Requested, string ResumedFrom)
{
    public static Resync Of(Frame frame)
    {
        var data = JsonDocument.Parse(frame.Data!).RootElement;
        return new(Member("reason"), Member("requested"), Member("resumedFrom"));

        string Member(string name) => data.GetProperty(name).GetString()!;
    }
}

/// <summary>Reads the bytes on the wire, so that a test sees comments, retry and id-only frames too. It does not
/// reconnect: a test opens the next stream with the last id.</summary>
internal sealed class SseReader : IAsyncDisposable
{
    private static readonly HttpClient Client = new(
        new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.Zero,
            RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        }
    )
    {
        Timeout = System.Threading.Timeout.InfiniteTimeSpan,
    };
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Frame> _frames = [];
    private readonly Task _reading;
    private TaskCompletionSource _more = New();
    private volatile TaskCompletionSource? _stalled;

    private SseReader(HttpResponseMessage response)
    {
        Response = response;
        _reading = ReadAsync();
    }

    public HttpResponseMessage Response { get; }

    /// <summary>True if the body ended with the last chunk; false while it is open, or if it broke off.</summary>
    public bool EndedProperly { get; private set; }

    public IReadOnlyList<Frame> Frames
    {
        get
        {
            lock (_frames)
                return [.. _frames];
        }
    }
    public IEnumerable<Frame> Events =>
        Frames.Where(f => f.Data is not null && f.Event is not ("connected" or "begin" or "position" or "resync"));

    /// <summary>The data of events that are numbers.</summary>
    public IEnumerable<int> Numbers => Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture));
    public IEnumerable<Resync> Resyncs => Frames.Where(f => f.Event == "resync").Select(Resync.Of);
    private bool IsAskedToReturn =>
        Frames.Any(f => f.Comment?.EndsWith("Reconnect.", StringComparison.Ordinal) == true)
        || Events.FirstOrDefault() is { Event: "error", Data: { } data }
            && JsonDocument.Parse(data).RootElement is { ValueKind: JsonValueKind.Object } error
            && error.TryGetProperty("fatal", out var fatal)
            && fatal.ValueKind == JsonValueKind.False;

    public string? LastId => Frames.LastOrDefault(f => f.Id is not null)?.Id;

    /// <summary>Opens a stream, of a busy server too.</summary>
    public static async Task<SseReader> OpenAsync(
        Uri server,
        string pathAndQuery,
        string? lastId = null,
        HttpMethod? method = null,
        HttpContent? body = null,
        HttpClient? client = null
    )
    {
        var response = await BusyServer.AskAsync(AskAsync);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new SseReader(response);

        // The request is not disposed: its body may be sent again.
        Task<HttpResponseMessage> AskAsync()
        {
            var request = new HttpRequestMessage(method ?? HttpMethod.Get, new Uri(server, pathAndQuery))
            {
                Content = body,
            };
            request.Headers.Accept.ParseAdd("text/event-stream");

            if (client is not null)
            {
                request.Version = client.DefaultRequestVersion;
                request.VersionPolicy = client.DefaultVersionPolicy;
            }

            if (lastId is not null)
                request.Headers.TryAddWithoutValidation("Last-Event-ID", lastId);

            return (client ?? Client).SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(Timeout);
        }
    }

    /// <summary>Opens a stream and waits for its first id. As a client does, it returns to a server that ends the
    /// stream before it with an error that is not final.</summary>
    public static async Task<SseReader> OpenAtAsync(Uri server, string pathAndQuery, string? lastId = null)
    {
        for (var tries = 1; ; tries++)
        {
            var reader = await OpenAsync(server, pathAndQuery, lastId);
            await reader.WaitAsync(r => r.LastId is not null || (tries < 30 && r.IsAskedToReturn));
            if (reader.LastId is not null)
                return reader;

            await Task.Delay(TimeSpan.FromSeconds(1));
            await reader.DisposeAsync();
        }
    }

    /// <summary>Waits for a condition; fails with the received frames.</summary>
    public async Task WaitAsync(Func<SseReader, bool> condition, TimeSpan? timeout = null)
    {
        using var limit = new CancellationTokenSource(timeout ?? Timeout);
        while (true)
        {
            var more = Volatile.Read(ref _more);
            var hasEnded = _reading.IsCompleted; // asked before the frames: the last ones come together with the end

            if (condition(this))
                return;

            if (hasEnded)
                Assert.Fail("The stream ended first:\n" + this);

            try
            {
                await more.Task.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail("It did not come in time:\n" + this);
            }
        }
    }

    public Task WaitForEventsAsync(int count) => WaitAsync(r => r.Events.Count() >= count);

    /// <summary>Waits for a resync, and returns the only one.</summary>
    public async Task<Resync> ResyncAsync()
    {
        await WaitAsync(r => r.Resyncs.Any());
        return Assert.Single(Resyncs);
    }

    public Task WaitForEndAsync() => _reading.WaitAsync(Timeout);

    /// <summary>Stops reading until <see cref="ReadOn"/>: the sockets fill up meanwhile.</summary>
    public void Stall() => _stalled ??= New();

    public void ReadOn() => Interlocked.Exchange(ref _stalled, null)?.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        // not before: a decompressing stream that is disposed while it is read fails in ways of its own
        Response.Dispose();
        _stop.Dispose();
    }

    public override string ToString() => string.Join('\n', Frames.TakeLast(30));

    private async Task ReadAsync()
    {
        try
        {
            using var lines = new StreamReader(await Response.Content.ReadAsStreamAsync(_stop.Token), Encoding.UTF8);
            var fields = new List<(string Name, string Value)>();
            while (await lines.ReadLineAsync(_stop.Token) is { } line)
            {
                if (_stalled is { } stalled)
                    await stalled.Task.WaitAsync(_stop.Token);

                if (line is [':', .. var comment])
                {
                    Add(new Frame(null, null, null, null, comment.TrimStart(' ')));
                    continue;
                }

                if (line.Length > 0)
                {
                    var colon = line.IndexOf(':');
                    fields.Add((line[..colon], line[(colon + 1)..].TrimStart(' ')));
                    continue;
                }

                string? Value(string name) =>
                    fields.Any(f => f.Name == name)
                        ? string.Join('\n', fields.Where(f => f.Name == name).Select(f => f.Value))
                        : null;

                Add(new Frame(Value("id"), Value("event"), Value("data"), Value("retry"), null));
                fields.Clear();
            }

            EndedProperly = true;
        }
        catch (Exception e)
            when (e is IOException or OperationCanceledException or HttpRequestException or ObjectDisposedException) { }
        finally
        {
            Volatile.Read(ref _more).TrySetResult();
        }
    }

    private void Add(Frame frame)
    {
        lock (_frames)
            _frames.Add(frame);
        Interlocked.Exchange(ref _more, New()).TrySetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
