using Streaming.Frames;

namespace Streaming.Connections;

/// <summary>Settings of a stream that its endpoint writes.</summary>
/// <param name="Grace">Time that the stream may continue after the server begins to stop, for results that would be
/// lost. Null if the stream can be resumed: it ends when the server stops, its credential ends or it is too
/// old.</param>
/// <param name="SendBuffer">Bytes that the socket may buffer, so that a slow client slows the producer down, or null to
/// write to Kestrel's response.</param>
/// <param name="Bare">True if only the endpoint's frames and <c>Heartbeat</c> are sent.</param>
/// <param name="Retry">Reconnection time in milliseconds, or null for the usual one.</param>
/// <param name="CutShort">Frames sent if the stream ends early, for clients that could take an incomplete answer for a
/// complete one.</param>
/// <param name="Heartbeat">Frame sent on a quiet stream instead of the usual comment.</param>
/// <param name="Breaks">True if an early end breaks the body, for clients that take a proper end for a complete answer
/// and would not reconnect.</param>
/// <param name="MaxStall">Limit on the sum of all waits for the client, for a producer that occupies a shared resource.
/// Null if only the limit of each write, <see cref="SseOptions.DeadSeconds"/>, applies.</param>
internal sealed record PushSettings(
    TimeSpan? Grace = null,
    int? SendBuffer = null,
    int? HeartbeatSeconds = null,
    bool Bare = false,
    int? Retry = null,
    byte[]? CutShort = null,
    byte[]? Heartbeat = null,
    bool Breaks = false,
    TimeSpan? MaxStall = null
);

/// <summary>A stream that its endpoint writes. Each write waits for the output, so the client sets the pace.</summary>
internal sealed class PushStream(
    string id,
    StreamClient client,
    IReadOnlyList<string> topics,
    PushOutput output,
    SseOptions options,
    PushSettings settings,
    TimeProvider clock
) : OpenStream(id, client), IDisposable
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);

    /// <summary>Time for a producer that has been asked to stop.</summary>
    private static readonly TimeSpan ProducerGrace = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();

    // Its callbacks are the application's, and may block.
    private readonly CancellationTokenSource _producerStop = new();
    private readonly SemaphoreSlim _writing = new(1);
    private long _stalledMilliseconds;
    private Task _producing = Task.CompletedTask;
    private volatile bool _waiting;
    private volatile bool _gone;
    private volatile bool _dead;
    private volatile bool _isOver;
    private bool _hasSentRetry;
    private EndReason _reason = EndReason.ClientGone;

    public override IReadOnlyList<string> Topics => topics;
    public override string State => _waiting ? "slow" : "live";
    public override long Lag => 0;
    public override double? RoundTrip => output.RoundTrip;

    /// <summary>True once the client has gone, or takes nothing. Then a failure of the producer does not
    /// matter.</summary>
    public bool HasLostClient => _gone || _dead;

    /// <summary>True if the producer did not stop when it was asked to. It goes on without the stream, and what it uses
    /// is released when it returns.</summary>
    public bool HasLeftProducer => HasEnded && !_producing.IsCompleted;

    public override void RequestEnd(EndReason reason)
    {
        _gone |= reason == EndReason.ClientGone;
        _dead |= reason == EndReason.Dead;
        _reason = reason;
        if (reason == EndReason.Drained && settings.Grace is { } grace && grace > TimeSpan.Zero)
            Deadlines.DrainAt = clock.Milliseconds() + (long)grace.TotalMilliseconds;
        else
            _ = StopAsync();
    }

    /// <summary>Ends the waits of the stream, then asks the producer to stop. The producer's callbacks run on another
    /// thread.</summary>
    private async Task StopAsync()
    {
        try
        {
            _stop.Cancel();
            await _producerStop.CancelAsync();
        }
        catch (ObjectDisposedException) { } // the stream has ended meanwhile
        catch (AggregateException) { } // a callback failed
    }

    /// <summary>Runs the producer until it returns, the client is gone or the stream stops; ends the body.</summary>
    public async Task RunAsync(Func<PushStream, CancellationToken, Task> produce, CancellationToken aborted = default)
    {
        await using var leaving = aborted.Register(() => RequestEnd(EndReason.ClientGone));
        var ticks = clock.CreateTimer(_ => _ = OnTickAsync(), null, TickInterval, TickInterval);

        try
        {
            if (!settings.Bare)
                await WriteAsync(SseFrame.FirstLine, events: 0);
            // On another thread, because the producer may run for long without an await.
            _producing = Task.Run(() => produce(this, _producerStop.Token), CancellationToken.None);
            await UntilProducedAsync();
            _reason = EndReason.Complete;
        }
        // The stop itself makes a producer fail: a read that is cut off may throw anything.
        catch (Exception) when (HasLostClient || _stop.IsCancellationRequested) { }
        catch
        {
            MarkEnded(_reason = EndReason.Failed);
            throw;
        }
        finally
        {
            await ticks.DisposeAsync();
        }

        if (_gone)
            _reason = EndReason.ClientGone;
        else if (_dead || (settings.Breaks && _reason != EndReason.Complete))
        {
            _reason = _dead ? EndReason.Dead : _reason;
            output.Abort();
        }
        else
            await EndBodyAsync();

        MarkEnded(_reason);
    }

    /// <summary>Waits for the producer, and for at most a second once it has been asked to stop.</summary>
    private async Task UntilProducedAsync()
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (
            _stop.Token.UnsafeRegister(static stopped => ((TaskCompletionSource)stopped!).TrySetResult(), stopped)
        )
            await Task.WhenAny(_producing, stopped.Task);

        if (!_producing.IsCompleted)
            await _producing.WaitAsync(ProducerGrace, clock);
        await _producing;
    }

    /// <summary>Writes the last frames and ends the body, after a heartbeat that is under way.</summary>
    private async Task EndBodyAsync()
    {
        await _writing.WaitAsync();
        _isOver = true;

        try
        {
            // A part of an unfinished frame may have been sent: nothing can follow it.
            if (_waiting)
                return;

            if (!settings.Bare && _reason is (EndReason.Unauthorized or EndReason.Replaced))
                await output.WriteAsync(Deadlines.RightEnd(_reason), CancellationToken.None);

            if (_reason != EndReason.Complete && settings.CutShort is { } cut)
                await output.WriteAsync(cut, CancellationToken.None);
            if (!settings.Bare && _reason is (EndReason.Drained or EndReason.Aged))
                await output.WriteAsync(
                    ControlFrames.Retry(ReconnectionTime.Next(options, isShutdown: _reason == EndReason.Drained)),
                    CancellationToken.None
                );

            await output.CompleteAsync();
        }
        catch (IOException)
        {
            _reason = EndReason.ClientGone;
        }
        finally
        {
            _writing.Release();
        }
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> frames, int events = 1)
    {
        await _writing.WaitAsync(_stop.Token);
        try
        {
            // A heartbeat that came due during the end.
            if (_isOver)
                return;

            // The right may have expired since the last tick.
            if (Deadlines.HasExpired(clock.Milliseconds()))
                RequestEnd(EndReason.Unauthorized);
            _stop.Token.ThrowIfCancellationRequested();

            _waiting = true;
            var limit = MayStall();
            var start = clock.Milliseconds();

            await output.WriteAsync(WithRetry(frames), _stop.Token).WaitAsync(limit, clock);
            Deadlines.WrittenAt = clock.Milliseconds();
            _stalledMilliseconds += Deadlines.WrittenAt - start;
            Delivered += events;
            Bytes += frames.Length;
            _waiting = false;
        }
        // Only here: elsewhere such an exception is the application's.
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            RequestEnd(e is TimeoutException ? EndReason.Dead : EndReason.ClientGone);
            throw;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Adds the reconnection time to the first frame: a frame of its own would be an empty message to some
    /// clients.</summary>
    private ReadOnlyMemory<byte> WithRetry(ReadOnlyMemory<byte> frames)
    {
        if (_hasSentRetry || settings.Bare)
            return frames;

        if (SseFrame.WithRetry(frames.Span, settings.Retry ?? ReconnectionTime.Next(options)) is not { } first)
            return frames;

        _hasSentRetry = true;
        return first;
    }

    /// <exception cref="TimeoutException">All writes together have waited too long.</exception>
    private TimeSpan MayStall()
    {
        var each = TimeSpan.FromSeconds(options.DeadSeconds);
        if (settings.MaxStall is not { } all)
            return each;

        var rest = all - TimeSpan.FromMilliseconds(_stalledMilliseconds);
        return rest <= TimeSpan.Zero ? throw new TimeoutException("The client reads too slowly.")
            : rest < each ? rest
            : each;
    }

    private async Task OnTickAsync()
    {
        var now = clock.Milliseconds();
        if (Deadlines.EndAt(now) is { } due)
        {
            _reason = due;
            await StopAsync();
            return;
        }

        if (!_waiting && !settings.Bare && Deadlines.TakeNotice(now) is { } notice)
            await TryWriteAsync(notice);

        if (!_waiting && (!settings.Bare || settings.Heartbeat is not null) && Deadlines.IsQuiet(now))
            await TryWriteAsync(settings.Heartbeat ?? ControlFrames.Heartbeat);
    }

    private async Task TryWriteAsync(byte[] frames)
    {
        try
        {
            await WriteAsync(frames, events: 0);
        }
        catch (Exception e)
            when (e is IOException or OperationCanceledException or TimeoutException or ObjectDisposedException) { }
    }

    public void Dispose() => _ = ReleaseAsync();

    /// <summary>Releases what the producer uses, once it has returned.</summary>
    private async Task ReleaseAsync()
    {
        await _producing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _producerStop.Dispose();
        _writing.Dispose();
    }
}
