using Harness;

namespace Integration.Delivery;

/// <summary>Publishes consecutive numbers, a few at a time, on topics of different first tokens in turn, until it is
/// stopped.</summary>
internal sealed class NumberPublisher
{
    public const int Topics = 16;
    private const int Chunk = 5;
    private readonly string _root = $"t{Guid.NewGuid():N}";
    private volatile bool _isStopped;
    private readonly RunningService _replica;
    private Task _publishing = Task.CompletedTask;
    private int _published;

    public NumberPublisher(RunningService replica)
    {
        _replica = replica;
        Stream = "/v1/events/stream?" + string.Join('&', Enumerable.Range(0, Topics).Select(n => $"topic={Topic(n)}"));
    }

    /// <summary>The stream of all its topics.</summary>
    public string Stream { get; }

    public void Start() => _publishing = PublishAsync();

    /// <summary>Waits for further events, so that a fault has some before and after it.</summary>
    public Task WaitForMoreAsync(int events)
    {
        var target = Volatile.Read(ref _published) + events;
        return Eventually.HoldsAsync(
            () => Volatile.Read(ref _published) >= target || _publishing.IsCompleted,
            $"{events} more events are published"
        );
    }

    /// <summary>Stops, and waits until each reader has every number once and in order.</summary>
    public async Task StopAsync(params SseReader[] readers)
    {
        _isStopped = true;
        await _publishing;
        Assert.True(_published > 0);

        foreach (var reader in readers)
        {
            await reader.WaitForEventsAsync(_published);
            Assert.Equal(Enumerable.Range(1, _published), reader.Numbers);
        }
    }

    private string Topic(int number) => $"{_root}x{number % Topics}";

    private async Task PublishAsync()
    {
        while (!_isStopped)
        {
            await World.PublishNumbersAsync(_replica, Topic(_published / Chunk), _published + 1, Chunk);
            Interlocked.Add(ref _published, Chunk);
            await Task.Delay(5);
        }
    }
}
