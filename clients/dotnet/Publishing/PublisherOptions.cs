namespace AspireSse.Client.Publishing;

/// <summary>Times and limits of a publisher.</summary>
public sealed record PublisherOptions
{
    /// <summary>The address to publish to: absolute, or relative to the <see cref="HttpClient.BaseAddress"/>.</summary>
    public Uri Path { get; init; } = new("/v1/events", UriKind.Relative);

    /// <summary>Longest wait for one answer before the same events are sent again. 10 s; at most one day.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Retries of one request before <see cref="PublishException"/>, or null for no limit. 8.</summary>
    public int? MaxRetries { get; init; } = 8;

    /// <summary>
    /// Longest wait before the first retry; doubles with each (full jitter, at least <c>Retry-After</c>). 100 ms.
    /// </summary>
    public TimeSpan InitialDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Upper limit of the doubling; ten times this for <c>Retry-After</c>. 10 s; at most one day.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Events per request when publishing a stream. 500.</summary>
    public int StreamBatch { get; init; } = 500;

    /// <summary>Approximate bytes per such request. 1 MiB. The server must accept them within <see
    /// cref="AttemptTimeout"/> (<c>Limits:PublishKilobytesPerSecond</c>).</summary>
    public int StreamBatchBytes { get; init; } = 1024 * 1024;

    /// <summary>Called for each request for the bearer token (RFC 6750). Null sends none.</summary>
    public Func<CancellationToken, ValueTask<string?>>? BearerToken { get; init; }

    internal void Validate()
    {
        if (
            AttemptTimeout != Timeout.InfiniteTimeSpan
            && (AttemptTimeout <= TimeSpan.Zero || AttemptTimeout > TimeSpan.FromDays(1))
        )
            throw Invalid(
                nameof(AttemptTimeout),
                "must be above zero and at most one day, or Timeout.InfiniteTimeSpan"
            );
        if (MaxRetries < 0)
            throw Invalid(nameof(MaxRetries), "must be zero or more, or null for no limit");
        if (InitialDelay <= TimeSpan.Zero || MaxDelay < InitialDelay)
            throw Invalid(nameof(InitialDelay), "must be above zero and at most MaxDelay");
        if (MaxDelay > TimeSpan.FromDays(1))
            throw Invalid(nameof(MaxDelay), "must be at most one day");
        if (StreamBatch < 1 || StreamBatchBytes < 1)
            throw Invalid(nameof(StreamBatch), "and StreamBatchBytes must be at least 1");
    }

    private static ArgumentException Invalid(string name, string rule) => new($"PublisherOptions.{name} {rule}.");
}
