namespace Benchmarks.Client;

/// <summary>The order for a reader process.</summary>
/// <param name="Urls">The streams' addresses, used round-robin.</param>
/// <param name="Connections">The number of streams.</param>
/// <param name="Expect">The events that each stream receives before the reader ends. 0: reads until its input
/// closes.</param>
/// <param name="LimitSeconds">The time limit, from the start.</param>
/// <param name="LastEventIds">The id to resume after, for each URL, or null for new streams.</param>
/// <param name="Key">The API key of the requests, or null for none.</param>
internal sealed record ReadOrder(
    Uri[] Urls,
    int Connections,
    long Expect,
    double LimitSeconds,
    string[]? LastEventIds = null,
    string? Key = null
);

/// <summary>Reported when every stream is open.</summary>
internal sealed record ReadersReady(int Connected, int Refused, double Seconds);

/// <summary>The result of all streams of a reader.</summary>
/// <param name="Wrong">Duplicated or reordered events.</param>
/// <param name="Seconds">The time from the first connect to the last event.</param>
internal sealed record ReadResult(
    int Connected,
    long Events,
    long Lost,
    long Wrong,
    double P50Ms,
    double P99Ms,
    double P999Ms,
    double MaxMs,
    double Seconds,
    double CpuSeconds,
    long Reads
);

/// <summary>The order for a publisher process.</summary>
/// <param name="Url">The address to POST to.</param>
/// <param name="Topic">The event's topic for StreamApi, or null for servers that take the data alone.</param>
/// <param name="Connections">The maximum number of concurrent requests.</param>
/// <param name="Rate">Requests a second by the clock, independent of the server. 0: each connection as fast as it is
/// answered.</param>
/// <param name="Count">The number of requests.</param>
/// <param name="Batch">The number of events in a request.</param>
/// <param name="LimitSeconds">The time limit; without a rate, the time of publishing.</param>
internal sealed record PublishOrder(
    Uri Url,
    string? Topic,
    int Connections,
    double Rate,
    long Count,
    int Batch,
    double LimitSeconds
);

/// <summary>The result of a publisher process.</summary>
internal sealed record PublishResult(
    long Sent,
    long Accepted,
    int FirstRefusal,
    double Seconds,
    double P50Ms,
    double P99Ms,
    double CpuSeconds
);
