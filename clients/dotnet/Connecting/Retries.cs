namespace AspireSse.Client.Connecting;

/// <summary>Counts the connections in a row that delivered no event, and ends a stream after too many.</summary>
/// <param name="most"><see cref="SseClientOptions.MaxRetries"/>.</param>
internal sealed class Retries(int? most)
{
    /// <summary>Number of failed connections since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>Counts an event as a success. Every connection to a server that cuts it at once begins with
    /// <c>connected</c>.</summary>
    public void Received(SseEvent received)
    {
        if (received.Type is not ("connected" or "unauthorized"))
            Failures = 0;
    }

    /// <summary>Counts an ended connection. Returns false if the stream ends with it, as it wants no retries.</summary>
    /// <exception cref="SseException">The retries are exhausted.</exception>
    public bool MayFollow(Connection ended)
    {
        if (ended.WasStable)
            Failures = 0;

        Failures++;
        if (most is not { } limit || Failures <= limit)
            return true;
        if (ended.Failure is null && limit == 0)
            return false;
        throw Exhausted(Failures - 1, ended.Failure);
    }

    private static SseException Exhausted(int retries, SseException? last) =>
        new(
            SseError.RetriesExhausted,
            $"{retries} reconnections in a row delivered no event. "
                + $"Last: {last?.Message ?? "the server ended the stream"}",
            last,
            last?.StatusCode,
            last?.Problem
        );
}
