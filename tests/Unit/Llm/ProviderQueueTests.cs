using System.Runtime.CompilerServices;
using Harness;
using LlmGateway;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

public sealed class ProviderQueueTests
{
    private readonly TaskCompletionSource _go = new();
    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_waiting_request_reports_its_wait_and_one_beyond_the_queue_is_refused()
    {
        using var queue = Queue();
        var delays = new List<DelayNotice>();
        var options = new CallOptions { OnDelay = delays.Add };
        var first = queue.GetResponseAsync("a", options, TestContext.Current.CancellationToken);

        Assert.Empty(delays);
        var second = queue.GetResponseAsync("b", options, TestContext.Current.CancellationToken);
        Assert.Equal(("queued", "busy"), (Assert.Single(delays).State, delays[0].Reason));

        var refused = await Assert.ThrowsAsync<UpstreamException>(() =>
            queue.GetResponseAsync("c", options, TestContext.Current.CancellationToken)
        );
        Assert.Equal((429, true), (refused.Status, refused.IsBusy));
        Assert.False(second.IsCompleted);
        _go.SetResult();
        Assert.Equal(["said", "said"], (await Task.WhenAll(first, second)).Select(r => r.Text));
    }

    [Fact]
    public async Task A_request_that_waits_too_long_is_refused_and_leaves_the_queue()
    {
        using var queue = Queue();
        var (first, _) = AskAsync(queue, "a");

        for (var i = 0; i < 2; i++)
        {
            var (waiting, _) = AskAsync(queue, "b");
            _time.Advance(TimeSpan.FromSeconds(59));
            Assert.False(waiting.IsCompleted);
            _time.Advance(TimeSpan.FromSeconds(1));
            var refused = await Assert.ThrowsAsync<UpstreamException>(() => waiting);
            Assert.Equal((503, true), (refused.Status, refused.IsBusy));
        }

        _go.SetResult();
        Assert.Equal("said", (await first).Text);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_request_that_is_given_up_leaves_its_place_to_the_others()
    {
        using var queue = Queue(places: 1, waiting: 100);
        using var gone = new CancellationTokenSource();
        var first = AskAsync(queue, "a");
        var second = AskAsync(queue, "b", cancellationToken: gone.Token);
        var third = AskAsync(queue, "c");

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.Answer);
        _go.SetResult();
        Assert.Equal(["said", "said"], [(await first.Answer).Text, (await third.Answer).Text]);
        Assert.False(AskAsync(queue, "b").IsQueued);
    }

    private static (Task<ChatResponse> Answer, bool IsQueued) AskAsync(
        ProviderQueue queue,
        string client,
        Action? onAnswer = null,
        CancellationToken cancellationToken = default
    )
    {
        var isQueued = false;
        var options = new CallOptions { Client = ClientKey.OfUser(client), OnDelay = _ => isQueued = true };
        var answer = ReadAsync();

        return (answer, isQueued);

        async Task<ChatResponse> ReadAsync()
        {
            var updates = new List<ChatResponseUpdate>();
            await foreach (var update in queue.GetStreamingResponseAsync("x", options, cancellationToken))
            {
                onAnswer?.Invoke();
                updates.Add(update);
            }

            return updates.ToChatResponse();
        }
    }

    private ProviderQueue Queue(int places = 1, int waiting = 1) =>
        new(
            new ScriptedChatClient((_, _, token) => SayAsync(token)),
            ProviderAnswers.Provider(new ProviderOptions { MaxConcurrent = places, MaxQueue = waiting }, _time)
        );

    private async IAsyncEnumerable<ChatResponseUpdate> SayAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await _go.Task.WaitAsync(cancellationToken);
        yield return new ChatResponseUpdate(ChatRole.Assistant, "said");
    }
}
