using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace Adopter.Outbox;

public sealed class Item
{
    public int Id { get; set; }
    public string Name { get; set; } = "";
}

/// <summary>A context whose model changes all of its types, as those of many applications do: a tenant's column and
/// filter, numbers from HiLo, converters by convention.</summary>
public sealed class ShopDb(DbContextOptions<ShopDb> options) : DbContext(options)
{
    public DbSet<Item> Items => Set<Item>();

    internal void PublishItem(int shop, string type) => this.Publish($"shops.{shop}.item", type, new { type });

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.UseHiLo();
        foreach (var type in modelBuilder.Model.GetEntityTypes().ToList())
        {
            modelBuilder.Entity(type.ClrType).Property<string>("TenantId").HasDefaultValue("ours").IsRequired();
            modelBuilder.Entity(type.ClrType).Property<DateTime>("ChangedAt");
        }

        modelBuilder.Entity<Item>().HasQueryFilter(item => EF.Property<string>(item, "TenantId") == "ours");
        modelBuilder.Entity<Item>().Property(item => item.Name).IsConcurrencyToken();
    }

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<string>().HaveConversion<Backwards>().HaveMaxLength(40);
        configurationBuilder.Properties<Guid>().HaveConversion<string>();
    }

    private sealed class Backwards()
        : ValueConverter<string, string>(text => Reversed(text), stored => Reversed(stored))
    {
        private static string Reversed(string text) => new([.. text.Reverse()]);
    }
}

/// <summary>Writes into each entry when it was changed, but for events, which a context tracks as it tracks
/// changes.</summary>
internal sealed class AuditsAll : SaveChangesInterceptor
{
    public override InterceptionResult<int> SavingChanges(DbContextEventData eventData, InterceptionResult<int> result)
    {
        foreach (var entry in eventData.Context!.ChangeTracker.Entries())
            if (entry.Entity is not OutboxEvent && entry.State is EntityState.Added or EntityState.Modified)
                entry.Property("ChangedAt").CurrentValue = DateTime.UtcNow;
        return result;
    }

    public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData,
        InterceptionResult<int> result,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult(SavingChanges(eventData, result));
}
