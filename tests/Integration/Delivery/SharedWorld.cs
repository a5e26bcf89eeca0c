namespace Integration.Delivery;

/// <summary>A world that the tests of one class share. They run one after the other, each with its own
/// topics.</summary>
public abstract class SharedWorld : IAsyncLifetime
{
    internal World System { get; private set; } = null!;

    protected virtual int Replicas => 1;
    protected virtual int Broadcasters => 1;
    protected virtual Dictionary<string, string> Settings => [];
    protected virtual string? ApiKey => null;

    public virtual async ValueTask InitializeAsync() =>
        System = await World.Start(o => o.Replicas(Replicas).Broadcasters(Broadcasters).Set(Settings).ApiKey(ApiKey));

    public virtual async ValueTask DisposeAsync()
    {
        await System.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
