using System.Runtime.CompilerServices;
using Harness;
using LlmGateway;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;
using Unit.Client;

namespace Unit.Llm;

public sealed class ProviderQueueTests
{
    private readonly TaskCompletionSource _go = new();
    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_waiting_request_reports_its_wait_and_one_beyond_the_queue_is_refused()
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
    public async Task A_request_that_waits_too_long_is_refused_and_leaves_the_queue()
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

    [Fact]
    public async Task A_client_with_its_share_of_the_places_waits_for_itself_alone()
    {
        using var queue = Queue(places: 8, waiting: 8, clientPercent: 25);
        var own = Enumerable.Range(0, 3).Select(_ => AskAsync(queue, "a")).ToList();
        Assert.Equal([false, false, true], own.Select(a => a.IsQueued));
        Assert.Equal([false, false, true], Enumerable.Range(0, 3).Select(_ => AskAsync(queue, "b").IsQueued));
        Assert.False(AskAsync(queue, "c").IsQueued);
        // The second waiting request of a client is the last within its share of the queue.
        var waiting = AskAsync(queue, "a");
        var refused = await Assert.ThrowsAsync<UpstreamException>(() => AskAsync(queue, "a").Answer);
        Assert.Equal((429, true), (refused.Status, refused.IsBusy));
        Assert.True(waiting.IsQueued);
        _go.SetResult();
        Assert.Equal("said", (await waiting.Answer).Text);
        foreach (var (answer, _) in own)
            Assert.Equal("said", (await answer).Text);
    }

    [Fact]
    public void The_last_places_are_left_to_clients_with_fewer()
    {
        using var queue = Queue(places: 8, waiting: 100, clientPercent: 50);
        // 4, then 2 of the remaining 4, then 1 of 2; the last place goes to a client without one.
        Assert.Equal(
            [4, 2, 1, 1, 0],
            "abcde".Select(client => Enumerable.Range(0, 8).Count(_ => !AskAsync(queue, $"{client}").IsQueued))
        );
    }

    [Fact]
    public async Task Free_places_go_to_the_waiting_clients_in_rotation()
    {
        using var queue = Queue(places: 1, waiting: 100, clientPercent: 25);
        var order = new List<string>();
        var first = AskAsync(queue, "a");
        Task[] others =
        [
            .. new[] { "a", "a", "a", "b", "c", "b" }.Select(async client =>
            {
                await AskAsync(queue, client, () => order.Add(client)).Answer;
            }),
        ];
        _go.SetResult();
        await first.Answer;
        await Task.WhenAll(others);
        Assert.Equal(["a", "b", "c", "a", "b", "a"], order);
    }

    [Fact]
    public async Task A_request_that_is_given_up_leaves_its_place_to_the_others()
    {
        using var queue = Queue(places: 1, waiting: 100, clientPercent: 25);
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

    [Fact]
    public void A_place_that_is_granted_to_a_request_while_it_gives_up_goes_to_the_next_one()
    {
        var places = new ProviderPlaces(places: 1, queue: 2, clientPercent: 100);
        places.Enter("a");
        var second = places.Enter("b")!;
        var third = places.Enter("c")!;

        places.Leave("a");
        Assert.Equal((true, false), (second.Task.IsCompleted, third.Task.IsCompleted));

        places.Withdraw("b", second);
        Assert.True(third.Task.IsCompleted);
    }

    private static (Task<ChatResponse> Answer, bool IsQueued) AskAsync(
        ProviderQueue queue,
        string client,
        Action? onAnswer = null,
        CancellationToken cancellationToken = default
    )
    {
        var (options, isQueued) = (new ChatOptions(), false);
        ProviderClient.Set(options, client);
        ProviderDelay.OnDelay(options, _ => isQueued = true);
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

    private ProviderQueue Queue(int places = 1, int waiting = 1, int clientPercent = 100) =>
        new(
            new ScriptedChatClient((_, _, token) => SayAsync(token)),
            "local",
            new ProviderOptions
            {
                MaxConcurrent = places,
                MaxQueue = waiting,
                QueueSeconds = 60,
                ClientPercent = clientPercent,
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
