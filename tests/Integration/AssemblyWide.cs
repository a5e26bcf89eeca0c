using Stack;

namespace Integration;

/// <summary>A world that the tests of several classes share, at the same time, each with its own topics and users. The
/// first class that needs it starts it; it ends with the assembly's tests.</summary>
public sealed class AssemblyWide<T> : IAsyncLifetime
    where T : class, IAsyncLifetime, new()
{
    private static readonly Lazy<Task<T>> Started = new(StartAsync);

    public T World { get; private set; } = null!;

    public async ValueTask InitializeAsync() => World = await Started.Value;

    // Other classes may use it still.
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async Task<T> StartAsync()
    {
        var world = new T();
        await world.InitializeAsync();
        AssemblyWorlds.Add(world);
        return world;
    }
}

/// <summary>The stores of this assembly's tests, and the worlds on them that several classes share.</summary>
public sealed class AssemblyWorlds : IAsyncLifetime
{
    private static readonly List<IAsyncDisposable> Started = [];

    private readonly StoresFixture _stores = new();

    internal static void Add(IAsyncDisposable world)
    {
        lock (Started)
            Started.Add(world);
    }

    public ValueTask InitializeAsync() => _stores.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var world in Started)
            await world.DisposeAsync();

        await _stores.DisposeAsync();
    }
}
