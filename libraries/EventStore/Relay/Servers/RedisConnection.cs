using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace EventStore;

/// <summary>
/// The connection to a Redis server or cluster. A connection of which a part has not answered for a time is replaced,
/// because the client may keep a dead socket forever. Thread-safe.
/// </summary>
/// <param name="server">The name of the server.</param>
/// <param name="open">Opens the first connection, or another one if its argument is true. It may block.</param>
/// <param name="replaceAfter">Time without an answer after which the connection is replaced.</param>
/// <param name="clock">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed class RedisConnection(
    string server,
    Func<bool, IConnectionMultiplexer> open,
    TimeSpan replaceAfter,
    TimeProvider clock,
    ILogger logger
) : IDisposable
{
    /// <summary>Longest time until the next replacement while none answers, as a multiple of the first.</summary>
    private const int MaxFactor = 8;

    /// <summary>Parts whose silence is measured separately, so that a cluster's other nodes do not hide a silent one. A
    /// server that is not a cluster has only part 0.</summary>
    internal const int Parts = RedisServer.HashRanges + 1;

    /// <summary>Timers may fire a little early.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly Silence[] _commands = Silences(),
        _subscriptions = Silences();
    private Task<IConnectionMultiplexer>? _opening;
    private volatile int _replacements;
    private bool _isDisposed;

    /// <summary>The use of a connection. Each has a socket of its own, which can be dead alone.</summary>
    public enum Use
    {
        Commands,
        Subscriptions,
    }

    /// <summary>Number of replacements. Subscriptions end with their connection.</summary>
    public int Replacements => _replacements;

    /// <summary>The open connection; null while it is opened.</summary>
    public IConnectionMultiplexer? Opened =>
        Volatile.Read(ref _opening) is { IsCompletedSuccessfully: true } opened ? opened.Result : null;

    /// <summary>Opens the connection, once.</summary>
    public Task<IConnectionMultiplexer> OpenAsync()
    {
        lock (_gate)
        {
            if (_opening is null or { IsFaulted: true })
                Open();
            return _opening!;
        }
    }

    /// <summary>Begins a request, which ends with <see cref="Answered"/> or <see cref="Failed"/>.</summary>
    /// <param name="use">The request's use of the connection.</param>
    /// <param name="part">The part that answers it.</param>
    public Request Begin(Use use, int part) =>
        new(
            Volatile.Read(ref _opening) is { IsFaulted: false } opening ? opening : OpenAsync(),
            clock.GetTimestamp(),
            use,
            part
        );

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <param name="use">The request's use of the connection.</param>
    /// <param name="part">The part that answers it.</param>
    /// <param name="ask">Sends the request.</param>
    /// <param name="isAnswered">Returns false if the client alone has completed the request.</param>
    /// <param name="timeout">The longest wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RedisException">The server refused, or cannot be reached.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    public async Task<T> AskAsync<T>(
        Use use,
        int part,
        Func<IConnectionMultiplexer, Task<T>> ask,
        Func<IConnectionMultiplexer, bool> isAnswered,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        var request = Begin(use, part);
        var asking = SendAsync();
        try
        {
            var answer = await asking.WaitAsync(timeout, clock, cancellationToken);
            if (isAnswered(await request.Opening))
                Answered(request);
            else
                Failed(request);
            return answer;
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            Failed(request, asking, e);
            if (e is not (RedisException or TimeoutException))
                throw new TimeoutException("The connection was replaced.", e);
            throw;
        }

        async Task<T> SendAsync() => await ask(await request.Opening);
    }

    /// <summary>Returns true for everything but a requested cancellation: what was under way on a connection that is
    /// closed ends with exceptions of its sockets and pipes.</summary>
    public static bool IsFailure(Exception e, CancellationToken requested) =>
        !(e is OperationCanceledException && requested.IsCancellationRequested);

    /// <summary>Notes that a request was answered.</summary>
    public void Answered(in Request request)
    {
        var silence = Of(request.Use)[request.Part];
        if (!silence.IsNoted)
            return;
        lock (_gate)
            if (request.Opening == _opening)
                (silence.Since, silence.Replaced) = (0, 0);
    }

    /// <summary>Notes that a request failed, and replaces a connection whose part has answered none for too
    /// long.</summary>
    /// <param name="request">The request.</param>
    /// <param name="asking">The request, if it is under way: a late answer counts too.</param>
    /// <param name="failure">The failure. An error from the server is an answer.</param>
    public void Failed(Request request, Task? asking = null, Exception? failure = null)
    {
        if (failure is RedisServerException)
        {
            Answered(request);
            return;
        }
        if (asking is { IsCompleted: false })
            _ = asking.ContinueWith(
                answer =>
                {
                    // Reading the exception marks it as observed.
                    if (answer.Exception is null)
                        Answered(request);
                },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default
            );
        var silences = Of(request.Use);
        var silence = silences[request.Part];
        TimeSpan elapsed;
        bool isFirst;
        lock (_gate)
        {
            if (_isDisposed || request.Opening != _opening)
                return;
            if (silence.Since == 0)
                silence.Since = request.At;
            elapsed = clock.GetElapsedTime(silence.Since);
            var replaced = silences.Max(s => s.Replaced);
            if (elapsed + Tolerance < Backoff.Longest(replaced, replaceAfter, replaceAfter * MaxFactor))
                return;
            isFirst = replaced == 0;
            silence.Replaced = replaced + 1;
            foreach (var other in (Silence[])[.. _commands, .. _subscriptions])
                other.Since = 0;
            _replacements++;
            Open();
        }
        // Logged once an outage.
        logger.Log(
            isFirst ? LogLevel.Warning : LogLevel.Debug,
            "Redis {Server} has not answered for {Seconds:0.#} s; its connection is replaced by a new one",
            server,
            elapsed.TotalSeconds
        );
        _ = Task.Run(() => CloseAsync(request.Opening), CancellationToken.None);
    }

    /// <summary>Closes a replacement. The first connection belongs to the host's services.</summary>
    public void Dispose()
    {
        lock (_gate)
            _isDisposed = true;
        if (_replacements > 0)
            Opened?.Close(allowCommandsToComplete: false);
    }

    /// <summary>Opening blocks, so it has a thread of its own.</summary>
    private void Open()
    {
        var isReplacement = _replacements > 0;
        Volatile.Write(
            ref _opening,
            Task.Factory.StartNew(
                () => open(isReplacement),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default
            )
        );
    }

    private async Task CloseAsync(Task<IConnectionMultiplexer> opening)
    {
        try
        {
            (await opening).Close(allowCommandsToComplete: false);
        }
        catch (Exception e)
        {
            logger.LogDebug(e, "The former connection to Redis {Server} could not be closed", server);
        }
    }

    private Silence[] Of(Use use) => use is Use.Commands ? _commands : _subscriptions;

    private static Silence[] Silences() => [.. Enumerable.Range(0, Parts).Select(_ => new Silence())];

    /// <summary>A request.</summary>
    /// <param name="Opening">The connection, which may still be opening.</param>
    /// <param name="At">Timestamp of the request.</param>
    /// <param name="Use">Its use of the connection.</param>
    /// <param name="Part">The part that answers it.</param>
    public readonly record struct Request(Task<IConnectionMultiplexer> Opening, long At, Use Use, int Part);

    /// <summary>The time since the last answer of a part to a use.</summary>
    private sealed class Silence
    {
        /// <summary>Timestamp of the first request without an answer since the last answer; 0 without one.</summary>
        public long Since;

        /// <summary>Number of replacements since the last answer.</summary>
        public int Replaced;

        public bool IsNoted => Volatile.Read(ref Since) != 0 || Volatile.Read(ref Replaced) != 0;
    }
}
