using Microsoft.EntityFrameworkCore;

namespace Adopter.Orders;

public sealed record Order(string Id, string Article);

public sealed class OrdersDb(DbContextOptions<OrdersDb> options) : DbContext(options)
{
    public DbSet<Order> Orders => Set<Order>();
}
