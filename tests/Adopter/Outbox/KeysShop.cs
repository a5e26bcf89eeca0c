using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;

namespace Adopter.Outbox;

/// <summary>A <see cref="Shop"/> whose database also has the tables of a <see cref="KeysDb"/>.</summary>
public sealed class KeysShop : IAsyncLifetime
{
    internal Shop Shop { get; } = new();

    public async ValueTask InitializeAsync()
    {
        await Shop.InitializeAsync();
        await using var db = Open();
        await db
            .Database.GetService<IRelationalDatabaseCreator>()
            .CreateTablesAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => Shop.DisposeAsync();

    internal KeysDb Open(bool retries = false, params IInterceptor[] interceptors) =>
        new(Options(retries, interceptors));

    internal IDbContextFactory<KeysDb> Contexts() => new PooledDbContextFactory<KeysDb>(Options(retries: true));

    private DbContextOptions<KeysDb> Options(bool retries, params IInterceptor[] interceptors)
    {
        var options = new DbContextOptionsBuilder<KeysDb>();
        options
            .UseNpgsql(Shop.ConnectionString, npgsql => _ = retries ? npgsql.EnableRetryOnFailure() : npgsql)
            .UseSse()
            .AddInterceptors(interceptors);
        return options.Options;
    }
}
