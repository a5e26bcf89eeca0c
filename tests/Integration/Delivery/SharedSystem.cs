using Stack;

namespace Integration.Delivery;

/// <summary>A system that the tests of one class share. They run one after the other, each with its own topics.
///</summary>
public abstract class SharedSystem(StackFixture stack) : IAsyncLifetime
{
    internal DeliverySystem System { get; private set; } = null!;

    protected StackFixture Stack { get; } = stack;

    protected virtual int Replicas => 1;
    protected virtual int Broadcasters => 1;
    protected virtual Dictionary<string, string> Settings => [];
    protected virtual string? ApiKey => null;

    /// <summary>True for tests that kill, freeze or measure the services.</summary>
    protected virtual bool InProcesses => false;

    public virtual async ValueTask InitializeAsync() =>
        System = await DeliverySystem.StartAsync(
            Stack,
            Replicas,
            Broadcasters,
            Settings,
            ApiKey,
            inProcesses: InProcesses
        );

    public virtual async ValueTask DisposeAsync()
    {
        await System.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
