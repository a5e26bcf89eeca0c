namespace AspireSse.Client;

/// <summary>
/// Times, limits and handlers of a stream. Immutable; one instance may serve many streams. An exception in a handler
/// ends the stream.
/// </summary>
public sealed record SseClientOptions
{
    internal static SseClientOptions Default { get; } = new();

    /// <summary>
    /// Longest wait for the next byte, heartbeat comments included, before the client reconnects; set it above twice
    /// the server's heartbeat. Time in which the caller does not read does not count. 45 s; <see
    /// cref="Timeout.InfiniteTimeSpan"/> disables it. Accurate to a quarter.
    /// </summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>
    /// Longest wait before the first reconnection if the server sent no <c>retry:</c>; doubles with each failure. 1 s.
    /// </summary>
    public TimeSpan InitialDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Upper limit of the doubling. 30 s.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Upper limit for the server's <c>retry:</c> and <c>Retry-After</c>. 5 min.</summary>
    public TimeSpan MaxServerDelay { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Reconnections in a row without an event before the stream ends with <see cref="SseError.RetriesExhausted"/>, or
    /// null for no limit. <c>connected</c> and <c>unauthorized</c> do not count, a connection of more than five seconds
    /// does. With 0 the stream is read once, and its regular end ends the loop.
    /// </summary>
    public int? MaxRetries { get; init; }

    /// <summary>
    /// Maximum size of an event (its whole block, in bytes, without comments); a larger one ends the stream with <see
    /// cref="SseError.EventTooLarge"/>. 16 MiB; at most 32 MiB.
    /// </summary>
    public int MaxEventBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Called before each wait for a reconnection. Must not block.</summary>
    public Action<SseReconnect>? OnReconnecting { get; init; }

    /// <summary>Awaited for <c>connected</c> in event order; the event is then not enumerated.</summary>
    public Func<SseConnected, CancellationToken, ValueTask>? OnConnected { get; init; }

    /// <summary>
    /// Awaited for <c>resync</c> in event order (state must be read again); the event is then not enumerated.
    /// </summary>
    public Func<SseResync, CancellationToken, ValueTask>? OnResync { get; init; }

    /// <summary>
    /// Awaited for <c>skipped</c> in event order (<c>slow=latest</c> skipped events); the event is then not enumerated.
    /// </summary>
    public Func<SseSkipped, CancellationToken, ValueTask>? OnSkipped { get; init; }

    internal void Validate()
    {
        if (
            IdleTimeout != Timeout.InfiniteTimeSpan
            && (IdleTimeout <= TimeSpan.Zero || IdleTimeout > TimeSpan.FromDays(1))
        )
            throw Invalid(nameof(IdleTimeout), "must be above zero and at most one day, or Timeout.InfiniteTimeSpan");
        if (InitialDelay <= TimeSpan.Zero)
            throw Invalid(nameof(InitialDelay), "must be above zero, or the client would retry without a pause");
        if (MaxDelay < InitialDelay || MaxDelay > TimeSpan.FromDays(1))
            throw Invalid(nameof(MaxDelay), "must be from InitialDelay to one day");
        if (MaxServerDelay < TimeSpan.Zero || MaxServerDelay > TimeSpan.FromDays(1))
            throw Invalid(nameof(MaxServerDelay), "must be from zero to one day");
        if (MaxRetries < 0)
            throw Invalid(nameof(MaxRetries), "must be zero or more, or null for no limit");
        if (MaxEventBytes is < 1_024 or > 32 * 1024 * 1024)
            throw Invalid(nameof(MaxEventBytes), "must be from 1 KiB to 32 MiB");
    }

    private static ArgumentException Invalid(string name, string rule) => new($"SseClientOptions.{name} {rule}.");
}

/// <summary>A reconnection that is about to start its wait.</summary>
/// <param name="Attempt">1 for the first since the last event.</param>
/// <param name="Delay">The chosen wait.</param>
/// <param name="Reason">The failure, or null if the server ended the stream regularly.</param>
public sealed record SseReconnect(int Attempt, TimeSpan Delay, Exception? Reason);
