using Integration.Delivery;
using Stack;

namespace Integration.Llm;

/// <summary>A replica, whose providers are all the fake one, that the tests of one class share.</summary>
public abstract class SharedLlmSystem(StackFixture stack) : SharedSystem(stack)
{
    internal FakeUpstream Upstream { get; private set; } = null!;

    protected override Dictionary<string, string> Settings => LlmSystem.Settings(Upstream);

    public override async ValueTask InitializeAsync()
    {
        Upstream = await FakeUpstream.StartAsync();
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Upstream.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
