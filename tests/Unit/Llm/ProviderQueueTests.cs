using System.Runtime.CompilerServices;
using LlmGateway;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

public sealed class ProviderQueueTests
{
    private readonly TaskCompletionSource _go = new();

    [Fact]
    public async Task Who_finds_no_place_is_told_and_waits_and_who_finds_no_room_to_wait_is_refused()
    {
        using var queue = new ProviderQueue(
            new ScriptedChatClient(SayAsync),
            "local",
            new ProviderOptions { MaxConcurrent = 1, MaxQueue = 1 }
        );
        var told = new List<ProviderDelay>();
        var options = new ChatOptions();
        ProviderDelay.OnDelay(options, told.Add);
        var first = queue.GetResponseAsync("a", options, TestContext.Current.CancellationToken);
        Assert.Empty(told);
        var second = queue.GetResponseAsync("b", options, TestContext.Current.CancellationToken);
        Assert.Equal(("queued", "busy"), (Assert.Single(told).State, told[0].Reason));
        var refused = await Assert.ThrowsAsync<UpstreamException>(() =>
            queue.GetResponseAsync("c", options, TestContext.Current.CancellationToken)
        );
        Assert.Equal((429, true), (refused.Status, refused.IsBusy));
        Assert.False(second.IsCompleted);
        _go.SetResult();
        Assert.Equal(["said", "said"], (await Task.WhenAll(first, second)).Select(r => r.Text));
    }

    private async IAsyncEnumerable<ChatResponseUpdate> SayAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await _go.Task.WaitAsync(cancellationToken);
        yield return new ChatResponseUpdate(ChatRole.Assistant, "said");
    }
}
