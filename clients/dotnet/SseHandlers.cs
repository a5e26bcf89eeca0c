namespace AspireSse.Client;

/// <summary>
/// Handlers by event type, as an alternative to a loop: <c>new SseHandlers().On("token", Show).RunAsync(stream)</c>.
/// </summary>
/// <remarks>
/// Handlers run one at a time, in the order of the events; the next event waits. An exception in a handler ends the
/// run. Add handlers before the run starts.
/// </remarks>
public sealed class SseHandlers
{
    private readonly Dictionary<string, Func<SseEvent, CancellationToken, ValueTask>> _byType = new(
        StringComparer.Ordinal
    );
    private Func<SseEvent, CancellationToken, ValueTask>? _others;

    /// <summary>
    /// Handles events of one type (case-sensitive; <c>message</c> for unnamed events). Replaces an earlier handler of
    /// that type.
    /// </summary>
    public SseHandlers On(string type, Func<SseEvent, CancellationToken, ValueTask> handle)
    {
        _byType[type] = handle;
        return this;
    }

    /// <inheritdoc cref="On(string, Func{SseEvent, CancellationToken, ValueTask})"/>
    public SseHandlers On(string type, Action<SseEvent> handle) => On(type, Awaited(handle));

    /// <summary>Handles events of all types without a handler. By default they are ignored.</summary>
    public SseHandlers OnOthers(Action<SseEvent> handle)
    {
        _others = Awaited(handle);
        return this;
    }

    /// <summary>Reads the stream to its end. Throws the exceptions of <see cref="SseStream"/>.</summary>
    public async Task RunAsync(IAsyncEnumerable<SseEvent> stream, CancellationToken cancellationToken = default)
    {
        await foreach (var received in stream.WithCancellation(cancellationToken).ConfigureAwait(false))
            if ((_byType.GetValueOrDefault(received.Type) ?? _others) is { } handle)
                await handle(received, cancellationToken).ConfigureAwait(false);
    }

    private static Func<SseEvent, CancellationToken, ValueTask> Awaited(Action<SseEvent> handle) =>
        (received, _) =>
        {
            handle(received);
            return ValueTask.CompletedTask;
        };
}
