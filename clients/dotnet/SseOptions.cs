namespace AspireSse.Client;

/// <summary>
/// Times, limits and handlers of a stream. Immutable; one instance may serve many streams. What a handler throws ends
/// the stream.
/// </summary>
public sealed record SseOptions
{
    internal static SseOptions Default { get; } = new();

    /// <summary>
    /// Longest wait for the next byte, heartbeat comments included, before the connection counts as dead and is made
    /// anew: more than twice
    /// the server's heartbeat. It runs only while the client waits, so that a slow reader of events is not taken for a
    /// silent server.
    /// 45 s; <see cref="Timeout.InfiniteTimeSpan"/> turns it off. Noticed at most a quarter late.
    /// </summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>Longest wait before the first reconnect where the server has sent no <c>retry:</c>; doubles with each
    /// failure. 1 s.</summary>
    public TimeSpan InitialDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The doubling ends here. 30 s.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A longer <c>retry:</c> or <c>Retry-After</c> than this is cut to it. 5 min.</summary>
    public TimeSpan MaxServerDelay { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Reconnects in a row without an event between them, before the stream ends with <see
    /// cref="SseError.RetriesExhausted"/>; null for no
    /// limit. With 0 the stream is read once: its proper end is the end.
    /// </summary>
    public int? MaxRetries { get; init; }

    /// <summary>A larger event (its whole block, in bytes) ends the stream with <see cref="SseError.EventTooLarge"/>.
    /// 16 MiB; at most 32 MiB.</summary>
    public int MaxEventBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Called before each wait for a reconnect; must not block.</summary>
    public Action<SseReconnect>? OnReconnecting { get; init; }

    /// <summary>Awaited in the events' order for <c>connected</c>, which then is not enumerated.</summary>
    public Func<SseConnected, CancellationToken, ValueTask>? OnConnected { get; init; }

    /// <summary>Awaited in the events' order for <c>resync</c> (state must be read again), which then is not
    /// enumerated.</summary>
    public Func<SseResync, CancellationToken, ValueTask>? OnResync { get; init; }

    /// <summary>Awaited in the events' order for <c>skipped</c> (<c>slow=latest</c> left events out), which then is not
    /// enumerated.</summary>
    public Func<SseSkipped, CancellationToken, ValueTask>? OnSkipped { get; init; }

    internal void Validate()
    {
        if (IdleTimeout != Timeout.InfiniteTimeSpan && IdleTimeout <= TimeSpan.Zero)
            throw Invalid(nameof(IdleTimeout), "is above zero, or Timeout.InfiniteTimeSpan");
        if (InitialDelay <= TimeSpan.Zero)
            throw Invalid(nameof(InitialDelay), "is above zero: a server that is down would be asked without a pause");
        if (MaxDelay < InitialDelay || MaxDelay > TimeSpan.FromDays(1))
            throw Invalid(nameof(MaxDelay), "is from InitialDelay to one day");
        if (MaxServerDelay < TimeSpan.Zero || MaxServerDelay > TimeSpan.FromDays(1))
            throw Invalid(nameof(MaxServerDelay), "is from zero to one day");
        if (MaxRetries < 0)
            throw Invalid(nameof(MaxRetries), "is zero or more, or null for no limit");
        if (MaxEventBytes is < 1_024 or > 32 * 1024 * 1024)
            throw Invalid(nameof(MaxEventBytes), "is from 1 KiB to 32 MiB");
    }

    private static ArgumentException Invalid(string name, string rule) => new($"SseOptions.{name} {rule}.");
}

/// <summary>A stream that is about to wait and connect again.</summary>
/// <param name="Attempt">1 for the first since the last event.</param>
/// <param name="Delay">The wait, as drawn.</param>
/// <param name="Reason">Why; null where the server ended the stream properly.</param>
public sealed record SseReconnect(int Attempt, TimeSpan Delay, Exception? Reason);
