using Microsoft.EntityFrameworkCore;

namespace Adopter.Outbox;

/// <summary>A context whose database generates keys of each kind.</summary>
public sealed class KeysDb(DbContextOptions<KeysDb> options) : DbContext(options)
{
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasSequence<int>("numbers").StartsAt(700);
        modelBuilder.Entity<Identity>().Property(row => row.Total).HasComputedColumnSql("42", stored: true);
        modelBuilder.Entity<HiLo>().Property(row => row.Id).UseHiLo("hilo_numbers");
        modelBuilder.Entity<Sequence>().Property(row => row.Id).HasDefaultValueSql("nextval('numbers')");
        modelBuilder.Entity<Unique>().Property(row => row.Id).HasDefaultValueSql("gen_random_uuid()");
        modelBuilder
            .Entity<Converted>()
            .Property(row => row.Id)
            .HasConversion(id => id.Value, value => new Number(value))
            .UseIdentityByDefaultColumn();
        modelBuilder.Entity<ClientGuid>();
        modelBuilder.Entity<Owner>().OwnsOne(row => row.Address);
        modelBuilder.Entity<Owner>().OwnsMany(row => row.Phones);
    }
}

public interface IRow
{
    /// <summary>The key as a token.</summary>
    string Token { get; }
}

public sealed class Identity : IRow
{
    public int Id { get; private set; }
    public int Total { get; init; }
    public List<IdentityPart> Parts { get; init; } = [new()];
    public string Token => $"{Id}";
}

public sealed class IdentityPart
{
    public long Id { get; set; }
    public int IdentityId { get; set; }
}

public sealed class HiLo : IRow
{
    public int Id { get; set; }
    public string Token => $"{Id}";
}

public sealed class Sequence : IRow
{
    public int Id { get; set; }
    public string Token => $"{Id}";
}

public sealed class Unique : IRow
{
    public Guid Id { get; init; }
    public string Token => $"{Id}";
}

public sealed class ClientGuid : IRow
{
    public Guid Id { get; set; }
    public string Token => $"{Id}";
}

public readonly record struct Number(int Value);

public sealed class Converted : IRow
{
    public Number Id { get; set; }
    public string Token => $"{Id.Value}";
}

public sealed class Owner : IRow
{
    public int Id { get; set; }
    public Address Address { get; set; } = new() { Street = "Chuo" };
    public List<Phone> Phones { get; init; } = [new()];
    public string Token => $"{Id}";
}

public sealed class Address
{
    public string Street { get; set; } = "";
}

public sealed class Phone
{
    public int Id { get; set; }
    public int OwnerId { get; set; }
}
