using AspireSse.Client;

namespace Unit.Client;

/// <summary>Streams that a test reads to their end.</summary>
internal static class Reading
{
    /// <summary>Options that do not wait.</summary>
    public static SseClientOptions Quick { get; } =
        new()
        {
            InitialDelay = TimeSpan.FromMilliseconds(1),
            MaxDelay = TimeSpan.FromMilliseconds(2),
            MaxRetries = 50,
        };

    /// <param name="server">Where the stream is opened.</param>
    /// <param name="options">Quick ones unless given.</param>
    /// <param name="each">Called with each event.</param>
    public static Task<List<SseEvent>> ReadAsync(
        SseServer server,
        SseClientOptions? options = null,
        Action<SseEvent>? each = null
    ) => ReadAsync(new SseRequest(server.Url), options, each);

    public static async Task<List<SseEvent>> ReadAsync(
        SseRequest request,
        SseClientOptions? options = null,
        Action<SseEvent>? each = null
    )
    {
        using var client = new SseClient();
        return await ReadAsync(client.Open(request, options ?? Quick), each);
    }

    public static async Task<List<SseEvent>> ReadAsync(SseStream stream, Action<SseEvent>? each = null)
    {
        // If a rule is broken, a stream may have no end, or its clock stands still for ever.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        var events = new List<SseEvent>();
        await foreach (var received in stream.WithCancellation(limit.Token))
        {
            events.Add(received);
            each?.Invoke(received);
        }

        return events;
    }

    /// <summary>Reads a stream that fails.</summary>
    public static Task<SseException> FailAsync(
        SseServer server,
        SseClientOptions? options = null,
        Action<SseEvent>? each = null
    ) => Assert.ThrowsAsync<SseException>(() => ReadAsync(server, options, each));
}
