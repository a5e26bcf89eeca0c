namespace Benchmarks.Client;

/// <summary>What a reader process is to do.</summary>
/// <param name="Urls">Each connection takes the next of them.</param>
/// <param name="Connections">How many streams.</param>
/// <param name="Expect">Events that each stream gets until the reader is done; 0: it reads until it is told to
/// end.</param>
/// <param name="LimitSeconds">When it gives up, from the start.</param>
/// <param name="LastEventIds">Each connection to a URL resumes after the id beside it; null for fresh ones.</param>
internal sealed record ReadOrder(
    Uri[] Urls,
    int Connections,
    long Expect,
    double LimitSeconds,
    string[]? LastEventIds = null
);

/// <summary>Who reads.</summary>
internal enum ReaderKind
{
    /// <summary>One thread on epoll that looks for two numbers (<see cref="ReaderProgram"/>).</summary>
    Raw,

    /// <summary>The same over .NET's own HTTP client (<see cref="HttpReaderProgram"/>).</summary>
    Http,

    /// <summary>A C program that does what LoadTests' clients do (<see cref="CReader"/>).</summary>
    C,
}

/// <summary>Every stream is open.</summary>
internal sealed record ReadersReady(int Connected, int Refused, double Seconds);

/// <summary>What the readers got, together.</summary>
/// <param name="Wrong">Doubled or out of order.</param>
/// <param name="Seconds">From the first connect to the last event.</param>
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

/// <summary>What a publisher process is to do.</summary>
/// <param name="Url">Where to POST.</param>
/// <param name="Topic">Wraps the event for StreamApi; null for servers that take the data as it is.</param>
/// <param name="Connections">Requests at once, at most.</param>
/// <param name="Rate">Requests a second, by the clock whatever the server does; 0: each connection as fast as it is
/// answered.</param>
/// <param name="Count">Requests.</param>
/// <param name="Batch">Events of one request.</param>
/// <param name="LimitSeconds">When it gives up, or without a rate: when it has sent enough.</param>
internal sealed record PublishOrder(
    Uri Url,
    string? Topic,
    int Connections,
    double Rate,
    long Count,
    int Batch,
    double LimitSeconds
);

/// <summary>What became of it.</summary>
internal sealed record PublishResult(
    long Sent,
    long Accepted,
    int FirstRefusal,
    double Seconds,
    double P50Ms,
    double P99Ms,
    double CpuSeconds
);
