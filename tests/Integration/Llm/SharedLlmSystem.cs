using Integration.Delivery;

namespace Integration.Llm;

/// <summary>A replica with the fake provider, shared by the tests of a class.</summary>
public abstract class SharedLlmSystem : SharedWorld
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
