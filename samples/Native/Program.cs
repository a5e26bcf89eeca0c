using System.Text.Json.Serialization;
using AspireSse;

var builder = WebApplication.CreateSlimBuilder(args);
builder.AddEventStore();
builder.AddSse();
builder.AddLlmGateway(); // and the runs

// A native program has no reflection: generated code reads and writes its types, also in events.
builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Add(ShopJson.Default));

var app = builder.Build();
app.MapGet("/", () => "A shop, compiled ahead of time.");
app.MapLlmGateway().AllowAnonymous();

app.MapPut(
    "/orders/{id:int}",
    async (int id, Order order, IEventLog log) =>
    {
        await log.AppendAsync($"orders.{id}.state", order.State, order);
        return TypedResults.NoContent();
    }
);
app.MapGet("/orders/{id}/events", (string id) => TypedResults.EventStream($"orders.{id}.>")).AllowAnonymous();

// An inventory goes on while nobody reads it.
app.MapPut(
    "/inventories/{id:int}",
    async (int id, Order[] orders, IRuns runs) =>
    {
        await runs.StartAsync(
            $"inventories.{id}",
            (run, _) => run.AppendEachAsync("counted", orders.ToAsyncEnumerable())
        );
        return TypedResults.Accepted($"/inventories/{id}");
    }
);
app.MapGet("/inventories/{id}", (string id) => TypedResults.RunStream($"inventories.{id}")).AllowAnonymous();

await app.EnsureSchemaAsync();
app.Run();

internal sealed record Order(string Article, string State);

[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(Order[]))]
internal sealed partial class ShopJson : JsonSerializerContext;
