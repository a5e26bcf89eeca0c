namespace Browser;

/// <summary>A system whose pages no other class opens: they show only what its tests do.</summary>
public sealed class QuietPages : IAsyncLifetime
{
    private PagesSystem? _system;

    internal PagesSystem System => _system!;

    public async ValueTask InitializeAsync() => _system = await PagesSystem.StartAsync(world => world.Replicas(1));

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
    }
}
