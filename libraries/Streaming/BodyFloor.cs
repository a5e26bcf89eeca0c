using System.IO.Pipelines;
using Streaming.Admission;

namespace AspireSse;

/// <summary>Requires some bytes of a large body every ten seconds. Kestrel's floor is an average since the start, by
/// which a client that sent 4 MB at once could keep them in memory for hours.</summary>
/// <param name="body">The body.</param>
/// <param name="clock">The clock.</param>
public sealed class BodyFloor(PipeReader body, TimeProvider clock)
{
    /// <summary>Bytes that a window has to bring: a modem's. While fewer are held, Kestrel's floor is enough.</summary>
    private const int MinBytes = ByteLedger.SmallBytes;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private TimeSpan _waited;
    private long _received;

    /// <summary>Reads what has arrived.</summary>
    /// <param name="held">Bytes that an earlier read brought and that are not consumed.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    /// <exception cref="BadHttpRequestException">408: the body arrives too slowly.</exception>
    public ValueTask<ReadResult> ReadAsync(long held, CancellationToken cancellationToken) =>
        held < MinBytes ? body.ReadAsync(cancellationToken) : ReadAboveFloorAsync(held, cancellationToken);

    private async ValueTask<ReadResult> ReadAboveFloorAsync(long held, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        var read = await ReadInTimeAsync(Window - _waited, cancellationToken);
        _waited += clock.GetElapsedTime(began);

        _received += read.Buffer.Length - held;
        if (_received >= MinBytes)
        {
            _received = 0;
            _waited = TimeSpan.Zero;
        }

        return read;
    }

    private async ValueTask<ReadResult> ReadInTimeAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        if (body.TryRead(out var ready))
            return ready;

        using var late = new CancellationTokenSource(limit > TimeSpan.Zero ? limit : TimeSpan.Zero, clock);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await body.ReadAsync(end.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BadHttpRequestException("The body arrives too slowly.", StatusCodes.Status408RequestTimeout);
        }
    }
}
