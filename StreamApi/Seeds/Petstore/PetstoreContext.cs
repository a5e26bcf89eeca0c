using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>Database context of the pets and orders.</summary>
internal sealed class PetstoreContext(DbContextOptions<PetstoreContext> options) : EventContext(options, SchemaName)
{
    public const string SchemaName = "petstore";

    public DbSet<Pet> Pets => Set<Pet>();
    public DbSet<Order> Orders => Set<Order>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        base.OnModelCreating(model);
        model.Entity<Pet>(pet =>
        {
            pet.ToTable("pets").HasKey(p => p.Id);
            pet.Property(p => p.Id).HasColumnName("id");
            pet.Property(p => p.Name).HasColumnName("name");
            pet.Property(p => p.Species).HasColumnName("species");
            pet.Property(p => p.Breed).HasColumnName("breed");
            pet.Property(p => p.Price).HasColumnName("price");
            pet.Property(p => p.Stock).HasColumnName("stock");
        });
        model.Entity<Order>(order =>
        {
            order.ToTable("orders").HasKey(o => o.Id);
            order.Property(o => o.Id).HasColumnName("id");
            order.Property(o => o.PetId).HasColumnName("pet_id");
            order.Property(o => o.UserId).HasColumnName("user_id");
            order.Property(o => o.Quantity).HasColumnName("quantity");
            order.Property(o => o.UnitPrice).HasColumnName("unit_price");
            order.Property(o => o.Status).HasColumnName("status");
            order.Property(o => o.TrackingNumber).HasColumnName("tracking_number");
            order.Property(o => o.CreatedAt).HasColumnName("created_at");
            order.Property(o => o.UpdatedAt).HasColumnName("updated_at");
            order.Property(o => o.NextStepAt).HasColumnName("next_step_at");
            order.Property(o => o.TraceParent).HasColumnName("traceparent");
        });
    }
}
