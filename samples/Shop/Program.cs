using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Shop;

var builder = WebApplication.CreateBuilder(args);
builder.AddEventStore();
builder.AddSse(); // new events come from the log itself: no Redis, one process
builder.Services.AddDbContext<ShopDb>(db =>
    db.UseNpgsql(builder.Configuration.GetConnectionString("eventstore")).UseSse()
);
builder.Services.AddIdentityApiEndpoints<IdentityUser>().AddEntityFrameworkStores<ShopDb>();

// The shop's staff ships orders and sees all of them. It is whoever registers this address first: a product gives a
// role, or confirms addresses.
var staff = builder.Configuration["Shop:Staff"] ?? "staff@example.com";
builder.Services.AddAuthorizationBuilder().AddPolicy("staff", policy => policy.RequireUserName(staff));

// A ticket is part of a URL, which this category would log.
builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);

var app = builder.Build();
app.UseFileServer();
app.MapIdentityApi<IdentityUser>(); // POST /register, POST /login?useCookies=true
app.MapSseTickets().RequireAuthorization();

app.MapPost(
        "/orders",
        async (NewOrder given, ClaimsPrincipal user, ShopDb db) =>
        {
            var order = new Order(Guid.CreateVersion7(), user.Identity!.Name!, given.Article, "ordered");
            db.Add(order);
            db.Publish($"orders.{order.Id}.state", "state", order); // commits with the order, or not at all
            await db.SaveChangesAsync();
            return TypedResults.Created($"/orders/{order.Id}", order);
        }
    )
    .RequireAuthorization();

app.MapPost(
        "/orders/{id:guid}/ship",
        async Task<Results<Ok<Order>, NotFound>> (Guid id, ShopDb db) =>
        {
            if (await db.Orders.FindAsync(id) is not { } order)
                return TypedResults.NotFound();

            var shipped = order with { State = "shipped" };
            db.Entry(order).CurrentValues.SetValues(shipped);
            db.Publish($"orders.{id}.state", "state", shipped);
            await db.SaveChangesAsync();
            return TypedResults.Ok(shipped);
        }
    )
    .RequireAuthorization("staff");

// The customer's own order: with the cookie, a token, or a ticket that the customer took for it.
app.MapGet(
        "/orders/{id:guid}/events",
        async Task<Results<EventStreamResult, NotFound>> (Guid id, ClaimsPrincipal user, ShopDb db) =>
            await db.Orders.AnyAsync(order => order.Id == id && order.Customer == user.Identity!.Name)
                ? TypedResults.EventStream($"orders.{id}.>")
                : TypedResults.NotFound()
    )
    .RequireAuthorization();
app.MapGet("/events", () => TypedResults.EventStream($"orders.>")).RequireAuthorization("staff");

// A product has migrations. EnsureCreated would create nothing, because the log's tables are in the same database.
using (var scope = app.Services.CreateScope())
{
    var database = scope.ServiceProvider.GetRequiredService<ShopDb>().Database;
    if (!await database.SqlQuery<bool>($"""SELECT to_regclass('"Orders"') IS NOT NULL AS "Value" """).SingleAsync())
        await database.GetService<IRelationalDatabaseCreator>().CreateTablesAsync();
}

await app.EnsureSchemaAsync();
app.Run();

internal sealed record NewOrder(string Article);
