namespace AspireSse;

/// <summary>A request for events of the log.</summary>
/// <remarks>Needed to read or to follow the log from a place on, in part, or in pages of another size.</remarks>
public sealed record EventRead
{
    /// <summary>The last place that the reader has, or null to begin with the oldest event.</summary>
    /// <exception cref="ArgumentException">It has no epoch, or a negative position.</exception>
    public StreamPosition? After
    {
        get;
        init =>
            field = value is null or { Epoch.Length: > 0, Position: >= 0 }
                ? value
                : throw new ArgumentException("The place has no epoch, or a negative position.", nameof(After));
    }

    /// <summary>The events wanted, or null for all.</summary>
    public EventFilter? Filter { get; init; }

    /// <summary>Maximum events of a page, or null for 1,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 1.</exception>
    public int? MaxEvents
    {
        get;
        init => field = value is not < 1 ? value : throw new ArgumentOutOfRangeException(nameof(MaxEvents));
    }

    /// <summary>Bytes of data at which a page ends, or null for
    /// <see cref="EventStoreOptions.MaxBatchBytes"/>; its first event may exceed them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 1.</exception>
    public int? MaxBytes
    {
        get;
        init => field = value is not < 1 ? value : throw new ArgumentOutOfRangeException(nameof(MaxBytes));
    }
}
