namespace Streaming.Replay;

/// <summary>The turn of a read for several clients. It waits in the place of each client, and takes the first free
/// seat.</summary>
internal sealed class SharedTurn
{
    private readonly TaskCompletionSource<IDisposable> _seat = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<(FairGate Gate, string Client)> _places = [];

    /// <summary>Ends the waiting in all places. Without a timer or link, it needs no disposal.</summary>
    private CancellationTokenSource Over { get; } = new();

    /// <summary>Waits in the name of another client, too; not thread-safe.</summary>
    public void Ask(FairGate gate, string client)
    {
        if (_places.Add((gate, client)))
            _ = WaitInPlaceAsync(gate, client);
    }

    /// <summary>Waits for the first seat; dispose it when the read is done.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _seat.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            if (!_seat.TrySetCanceled(cancellationToken))
                (await _seat.Task).Dispose();
            await Over.CancelAsync();
            throw;
        }
    }

    private async Task WaitInPlaceAsync(FairGate gate, string client)
    {
        try
        {
            var seat = await gate.EnterAsync(client, Timeout.InfiniteTimeSpan, Over.Token);
            if (_seat.TrySetResult(seat))
                await Over.CancelAsync();
            else
                seat.Dispose();
        }
        catch (OperationCanceledException)
        {
            // The read has a seat, or was given up.
        }
    }
}
