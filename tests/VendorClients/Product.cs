using Harness.Worlds;
using Npgsql;

namespace VendorClients;

/// <summary>Two replicas with the demo model and a scripted one, and what they need, on free ports.</summary>
internal sealed class Product : IAsyncDisposable
{
    private readonly StorePair _stores = new(durable: false);
    private ScriptedVendor? _vendor;
    private World? _world;

    private Product() { }

    /// <summary>The addresses of the replicas, without a slash at the end.</summary>
    public IReadOnlyList<string> Replicas => [.. _world!.Replicas.Select(r => r.Url.GetLeftPart(UriPartial.Authority))];

    /// <summary>The address of the pages, from which browsers may call the replicas.</summary>
    public string Pages => _vendor!.Url;

    public static async Task<Product> StartAsync(CancellationToken cancellationToken)
    {
        var product = new Product();
        try
        {
            await product.RunAsync(cancellationToken);
            return product;
        }
        catch
        {
            await product.DisposeAsync();
            throw;
        }
    }

    /// <summary>Serves the files of a folder at <see cref="Pages"/>.</summary>
    public void Show(string folder) => _vendor!.Folder = folder;

    public async ValueTask DisposeAsync()
    {
        if (_world is not null)
            await _world.DisposeAsync();
        if (_vendor is not null)
            await _vendor.DisposeAsync();
        await _stores.DisposeAsync();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        _vendor = await ScriptedVendor.StartAsync(cancellationToken);
        await _stores.StartAsync(cancellationToken);
        var stores = new Stores(_stores.Postgres.ConnectionString, _stores.Redis.ConnectionString);
        var database = new NpgsqlConnectionStringBuilder(stores.EventStore);
        await Stores.MigrateAsync(database);

        _world = await World.Start(options =>
            options
                .On(stores)
                .Database(database)
                .Unlinked()
                .Replicas(2)
                .AsProcesses()
                .Until(cancellationToken)
                .Set("AspireSse:Llm:Providers:Demo:TokensPerSecond", 100)
                .Set("AspireSse:Llm:Providers:Local:BaseUrl", $"{_vendor.Url}/v1")
                .Set("AspireSse:Llm:Providers:Local:Models:0", ScriptedVendor.Model)
                .Set("Cors:AllowedOrigins:0", _vendor.Url)
        );
    }
}
