using Adopter;

var app = OrdersApp.Build(args);
await app.EnsureSchemaAsync();
app.Run();
