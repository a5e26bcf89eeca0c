using System.Runtime.CompilerServices;

namespace AspireSse.Client.Reading;

/// <summary>
/// Reads the events of one response body. Reads on demand: it never reads ahead of the caller by more than one socket
/// read.
/// </summary>
internal sealed class EventReader(
    Stream body,
    Cursor cursor,
    IdleWatch? watch,
    int maxEvent,
    CancellationToken cancellationToken
) : IDisposable
{
    private readonly EventParser _parser = new(cursor, maxEvent);

    /// <summary>Returns the next event, or null at the end of the body.</summary>
    /// <exception cref="IOException">The body broke, or ended within an event.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<SseEvent?> NextAsync()
    {
        while (true)
        {
            if (_parser.Take() is { } received)
                return received;

            int read;
            watch?.Begin();

            try
            {
                read = await body.ReadAsync(_parser.Room(), cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                watch?.Pause();
            }

            // Some proxies make a whole body of one that broke.
            if (read == 0)
                return _parser.IsWithinEvent ? throw new IOException("The stream ended within an event.") : null;

            _parser.Add(read);
        }
    }

    public void Dispose() => _parser.Dispose();
}
