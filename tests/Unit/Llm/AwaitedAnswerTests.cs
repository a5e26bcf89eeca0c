using Harness;
using LlmGateway.Dialects;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>The wait for the first update of an answer.</summary>
public sealed class AwaitedAnswerTests
{
    private readonly ManualTime _time = new();
    private readonly TaskCompletionSource _update = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_update_that_comes_between_the_timer_and_its_effect_is_no_timeout(bool isFailure)
    {
        await using var answer = new AwaitedAnswer(_ => SayAsync(), CancellationToken.None, CancellationToken.None);
        var turns = new TaskFactory(new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler);
        var beginning = await turns.StartNew(() => answer.BeginAsync(TimeSpan.FromSeconds(1), _time));

        // Nothing goes on that waits for the timer, until the update is there.
        using var free = new ManualResetEventSlim();
        var busy = turns.StartNew(free.Wait);
        _time.Advance(TimeSpan.FromSeconds(1));
        if (isFailure)
            _update.SetException(new InvalidOperationException());
        else
            _update.SetResult();
        free.Set();
        await busy;

        // The failure of the answer may come now or with the read, but it is the answer's own.
        if (!isFailure)
            await beginning;
        var read = Record.ExceptionAsync(async () =>
        {
            await beginning;
            Assert.Equal("said", string.Concat(await answer.ReadAsync().ToListAsync()));
        });
        Assert.Equal(isFailure ? typeof(InvalidOperationException) : null, (await read)?.GetType());
    }

    [Fact]
    public async Task A_model_that_still_thinks_is_no_timeout()
    {
        await using var answer = new AwaitedAnswer(_ => SayAsync(), CancellationToken.None, CancellationToken.None);
        var beginning = answer.BeginAsync(TimeSpan.FromSeconds(1), _time);
        Assert.False(beginning.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        await beginning;
        _update.SetResult();
        Assert.Equal(
            "said",
            string.Concat(await answer.ReadAsync().ToListAsync(TestContext.Current.CancellationToken))
        );
    }

    private async IAsyncEnumerable<ChatResponseUpdate> SayAsync()
    {
        await _update.Task.ConfigureAwait(false);
        yield return new ChatResponseUpdate(ChatRole.Assistant, "said");
    }
}
