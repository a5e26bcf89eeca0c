using Harness;
using Streaming.Replay;

namespace Core.Streaming;

public sealed class SharedTurnTests
{
    private readonly FairGate _gate = new("reads", seats: 1, maxWaiting: 100, new ManualTime());
    private readonly FairGate _other = new("searches", seats: 1, maxWaiting: 100, new ManualTime());

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact(Timeout = 30_000)]
    public async Task A_read_for_several_clients_takes_the_first_seat_of_any_of_them_and_leaves_its_other_places()
    {
        var (present, search) = (await EnterAsync(_gate, "present"), await EnterAsync(_other, "present"));
        var turn = new SharedTurn();
        foreach (var client in (string[])["a", "b", "b"])
            turn.Ask(_gate, client);

        turn.Ask(_other, "c");
        Assert.Equal((2, 1), (_gate.Waiting, _other.Waiting));

        search.Dispose();
        using var seat = await turn.EnterAsync(Cancelled);

        await Eventually.HoldsAsync(() => (_gate.Waiting, _other.Waiting) == (0, 0));
        present.Dispose();
        (await EnterAsync(_gate, "next")).Dispose();
    }

    [Fact(Timeout = 30_000)]
    public async Task A_read_that_is_given_up_leaves_its_place_to_the_next()
    {
        using var gone = new CancellationTokenSource();
        var present = await EnterAsync(_gate, "present");
        var turn = new SharedTurn();

        turn.Ask(_gate, "a");
        var given = turn.EnterAsync(gone.Token);

        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        await Eventually.HoldsAsync(() => _gate.Waiting == 0);
        present.Dispose();
        (await EnterAsync(_gate, "next")).Dispose();
    }

    private static ValueTask<IDisposable> EnterAsync(FairGate gate, string client) =>
        gate.EnterAsync(client, Timeout.InfiniteTimeSpan, Cancelled);
}
