using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;

namespace Shop;

internal sealed record Order(Guid Id, string Customer, string Article, string State);

internal sealed class ShopDb(DbContextOptions<ShopDb> options) : IdentityDbContext<IdentityUser>(options)
{
    public DbSet<Order> Orders => Set<Order>();
}
