using StreamApi.Streaming.Frames;

namespace StreamApi.Streaming.Connections;

/// <summary>
/// A stream that its endpoint writes itself. Each write waits until the socket takes it, so the reader sets the pace; a comment goes out
/// when nothing else does.
/// </summary>
internal sealed class PushStream : OpenStream, IAsyncDisposable
{
    private readonly HttpContext _context;
    private readonly StreamingOptions _options;
    private readonly IReadOnlyList<string> _topics;
    private readonly CancellationTokenSource _stop;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Timer _heartbeat;
    private long _writtenAt = Environment.TickCount64;
    private volatile bool _waiting;
    private EndReason _reason = EndReason.Complete;

    public PushStream(string id, StreamClient client, IReadOnlyList<string> topics, HttpContext context, StreamingOptions options) : base(id, client)
    {
        (_context, _topics, _options) = (context, topics, options);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        _heartbeat = new Timer(_ => _ = BeatAsync(), null, 1_000, 1_000);
    }

    public override IReadOnlyList<string> Topics => _topics;
    public override string State => _waiting ? "slow" : "live";
    public override long Lag => 0;

    public override void Stop(EndReason reason)
    {
        _reason = reason;
        _stop.Cancel();
    }

    /// <summary>Runs the endpoint's writer until it returns, the client is gone or the stream is stopped; ends the body properly.</summary>
    public async Task RunAsync(Func<PushStream, CancellationToken, Task> produce, int retry)
    {
        try
        {
            await WriteAsync(ControlFrames.Retry(retry), events: 0);
            await produce(this, _stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
        catch (Exception e) when (e is IOException or TimeoutException) { _reason = e is TimeoutException ? EndReason.Dead : EndReason.ClientGone; }
        finally { await _heartbeat.DisposeAsync(); }
        if (_context.RequestAborted.IsCancellationRequested) _reason = EndReason.ClientGone;
        else if (_reason is EndReason.Drained or EndReason.Aged && !_waiting) await _context.Response.Body.WriteAsync(ControlFrames.Retry(_options.NextRetry()));
        else if (_reason == EndReason.Dead) _context.Abort();
        Finish(_reason);
    }

    /// <summary>Writes frames and waits until they are taken.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> frames, int events = 1)
    {
        await _writing.WaitAsync(_stop.Token);
        try
        {
            _waiting = true;
            await _context.Response.Body.WriteAsync(frames, _stop.Token).AsTask().WaitAsync(TimeSpan.FromSeconds(_options.DeadSeconds));
            await _context.Response.Body.FlushAsync(_stop.Token);
            _writtenAt = Environment.TickCount64;
            Delivered += events;
            Bytes += frames.Length;
        }
        finally
        {
            _waiting = false;
            _writing.Release();
        }
    }

    private async Task BeatAsync()
    {
        if (_waiting || Environment.TickCount64 - _writtenAt < _options.HeartbeatSeconds * 1_000L) return;
        try { await WriteAsync(ControlFrames.Heartbeat, events: 0); }
        catch (Exception e) when (e is IOException or OperationCanceledException or TimeoutException or ObjectDisposedException) { }
    }

    public async ValueTask DisposeAsync()
    {
        await _heartbeat.DisposeAsync();
        _stop.Dispose();
        _writing.Dispose();
    }
}
