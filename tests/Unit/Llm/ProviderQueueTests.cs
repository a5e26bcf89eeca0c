using System.Runtime.CompilerServices;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;
using Unit.Client;

namespace Unit.Llm;

public sealed class ProviderQueueTests
{
    private readonly TaskCompletionSource _go = new();
    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_request_without_a_place_reports_its_wait_and_one_without_room_in_the_queue_is_refused()
    {
        using var queue = Queue();
        var delays = new List<ProviderDelay>();
        var options = new ChatOptions();
        ProviderDelay.OnDelay(options, delays.Add);
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
    public async Task A_request_that_waits_too_long_is_refused_and_its_place_in_the_queue_is_free_again()
    {
        using var queue = Queue();
        var first = queue.GetResponseAsync("a", null, TestContext.Current.CancellationToken);
        for (var i = 0; i < 2; i++)
        {
            var waiting = queue.GetResponseAsync("b", null, TestContext.Current.CancellationToken);
            _time.Advance(TimeSpan.FromSeconds(59));
            Assert.False(waiting.IsCompleted);
            _time.Advance(TimeSpan.FromSeconds(1));
            var refused = await Assert.ThrowsAsync<UpstreamException>(() => waiting);
            Assert.Equal((503, true), (refused.Status, refused.IsBusy));
        }
        _go.SetResult();
        Assert.Equal("said", (await first).Text);
    }

    private ProviderQueue Queue() =>
        new(
            new ScriptedChatClient(SayAsync),
            "local",
            new ProviderOptions
            {
                MaxConcurrent = 1,
                MaxQueue = 1,
                QueueSeconds = 60,
            },
            _time
        );

    private async IAsyncEnumerable<ChatResponseUpdate> SayAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await _go.Task.WaitAsync(cancellationToken);
        yield return new ChatResponseUpdate(ChatRole.Assistant, "said");
    }
}
