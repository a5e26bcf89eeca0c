using System.Net.ServerSentEvents;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.AI;

namespace Adopter.Orders;

/// <summary>Orders whose customers follow them live: docs/public-api.md, with an endpoint for each of its
/// sentences.</summary>
public static class OrdersApp
{
    private const string Customers = "customers",
        Staff = "staff";

    /// <param name="args">Settings.</param>
    /// <param name="model">Answers questions. Null if there are none.</param>
    public static WebApplication Build(string[] args, IChatClient? model = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        var isInMemory = builder.Configuration.GetConnectionString("orders") is null;
        if (isInMemory)
            builder.AddInMemoryEventLog();
        else
            builder.AddEventStore("orders");

        if (builder.Configuration.GetConnectionString("redis") is null)
            builder.AddSse(builder.Configuration.GetSection("Sse").Bind);
        else
            builder.AddSse(redis: "redis").AddSseBroadcaster();

        if (model is not null)
            builder
                .AddSseRuns(runs => runs.AddHandler<ReportOrder>("report", ReportsApi.WriteAsync))
                .Services.AddSingleton(model);

        if (builder.Configuration["Gateway"] is not null)
            builder.AddLlmGateway();

        builder.Services.AddDbContext<OrdersDb>(options =>
            options
                .UseNpgsql(builder.Configuration.GetConnectionString("orders"), npgsql => npgsql.EnableRetryOnFailure())
                .UseSse()
        );
        builder.Services.AddAuthentication(Customers).AddCookie(Customers).AddCookie(Staff);
        builder.Services.AddAuthorization();

        builder.Services.AddSingleton<OpenRequests>();

        var app = builder.Build();
        app.Use(app.Services.GetRequiredService<OpenRequests>().CountAsync);
        app.MapPost("/sign-in/{user}", SignIn);

        if (!isInMemory)
            app.MapSseTickets();

        app.MapPost("/orders", CreateAsync);
        app.MapPost("/orders/{id}/{state}", ChangeAsync);
        app.MapGet("/orders/{id}/events", Follow).RequireAuthorization();
        app.MapGet("/staff/{id}/events", (string id) => TypedResults.EventStream($"orders.{id}.>"))
            .RequireAuthorization(policy => policy.AddAuthenticationSchemes(Staff).RequireAuthenticatedUser());
        app.MapGet("/public/{id}", (string id) => TypedResults.EventStream($"orders.{id}.>")).AllowAnonymous();
        app.MapGet("/unguarded", () => TypedResults.EventStream($"orders.>"));
        app.MapGet(
                "/shipped-or-paid/{id}",
                (string id) =>
                    TypedResults.EventStream(
                        [$"orders.{id}.shipped", $"orders.{id}.paid", $"orders.{id}.refunded"],
                        types: ["shipped", "paid"],
                        format: EventFormat.Envelope
                    )
            )
            .AllowAnonymous();

        app.MapGet(
                "/shown/{id}",
                (string id) =>
                    TypedResults.EventStream([$"orders.{id}.>"], show: Shown, greeting: new("welcome", "hello"))
            )
            .AllowAnonymous();

        app.MapGet(
                "/typed/{id}",
                (string id) => TypedResults.EventStream([$"orders.{id}.>"], format: EventFormat.TypedMessages)
            )
            .AllowAnonymous();
        app.MapGet("/steps", Steps).AllowAnonymous();
        app.MapGet("/own-steps", Steps).RequireAuthorization();
        app.MapGet("/connections", (IConnectionList connections) => connections.ReadAsync()).RequireAuthorization();
        app.MapDelete("/connections/{id}", CloseAsync).RequireAuthorization();

        if (model is not null)
        {
            app.MapAnswers();
            app.MapReports();
        }

        if (builder.Configuration["Gateway"] == "users")
            app.MapLlmGateway().RequireAuthorization();
        if (builder.Configuration["Gateway"] == "anybody")
            app.MapLlmGateway().AllowAnonymous();

        return app;
    }

    private static Results<EventStreamResult, NotFound> Follow(string id, ClaimsPrincipal user) =>
        user.Identity?.Name == $"customer-of-{id}"
            ? TypedResults.EventStream($"orders.{id}.>")
            : TypedResults.NotFound();

    /// <summary>Shows the state alone, and nothing of cancelled orders.</summary>
    private static SseItem<object?>? Shown(EventRecord record) =>
        record.Type switch
        {
            "cancelled" => null,
            _ => new(new { state = record.Type }, "state"),
        };

    /// <summary>Counts on from the last id of the client, without the log.</summary>
    private static EventStreamResult Steps(HttpRequest request)
    {
        var last = int.TryParse(request.GetLastEventId(), out var number) ? number : 0;
        var steps = Enumerable
            .Range(last + 1, 3)
            .Select(step => new SseItem<object>(step % 2 == 0 ? "two\nlines" : new { step }, "step")
            {
                EventId = $"{step}",
            });

        return TypedResults.EventStream(steps.ToAsyncEnumerable(), TimeSpan.FromSeconds(7), "three steps");
    }

    private static async Task<Results<NoContent, NotFound>> CloseAsync(string id, IConnectionList connections) =>
        await connections.CloseAsync(id) ? TypedResults.NoContent() : TypedResults.NotFound();

    private static SignInHttpResult SignIn(string user) =>
        TypedResults.SignIn(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, user)], "cookie")));

    private static async Task<Created> CreateAsync(Order order, OrdersDb db)
    {
        db.Add(order);
        db.Publish($"orders.{order.Id}.created", "created", order);
        db.Publish($"orders.{order.Id}.queued", "queued", order);
        await db.SaveChangesAsync();
        return TypedResults.Created();
    }

    private static async Task<Accepted<string>> ChangeAsync(string id, string state, IEventLog log)
    {
        var appended = await log.AppendAsync($"orders.{id}.{state}", state, new { id, state });
        return TypedResults.Accepted((string?)null, appended.At.ToString());
    }
}
