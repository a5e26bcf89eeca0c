namespace StreamApi.Seeds.Petstore;

/// <summary>The pet shop: catalogue, recommendations, orders, inventory.</summary>
internal static class PetstoreApi
{
    public static void AddPetstore(this WebApplicationBuilder builder)
    {
        builder.Services.ReserveTopics("petstore.>").ReserveTopics("recommendations.>");
        builder.Services.AddSingleton<Inventory>();
        builder.Services.AddSingleton<OrderPlacement>();
        builder.Services.AddSingleton<Recommender>();
        builder.Services.AddSingleton<ShopTools>();
        builder.Services.AddOptions<LlmGatewayOptions>().Configure<ShopTools>((agents, shop) => shop.GiveTo(agents));
        builder.Services.AddSingleton<OrderWorkflow>();
        builder.Services.AddHostedService(services => services.GetRequiredService<OrderWorkflow>());
    }

    public static void MapPetstore(this IEndpointRouteBuilder app)
    {
        var shop = app.MapGroup("/v1").WithTags("Petstore");
        shop.MapPets();
        shop.MapOrders();
        shop.MapRecommendations();
    }
}
