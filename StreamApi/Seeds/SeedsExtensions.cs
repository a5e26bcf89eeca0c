using StreamApi.Seeds.Basics;
using StreamApi.Seeds.Petstore;
using StreamApi.Seeds.Resilient;
using StreamApi.Seeds.Storage;
using StreamApi.Seeds.Tasks;
using StreamApi.Seeds.Traffic;

namespace StreamApi.Seeds;

/// <summary>Adds the systems of the articles, and demo traffic for them.</summary>
internal static class SeedsExtensions
{
    public static void AddSeeds(this WebApplicationBuilder builder)
    {
        builder.Services.AddSeedsStore();
        builder.AddBasics();
        builder.AddPetstore();
        builder.AddTasks();
        builder.AddResilient();
        builder.AddTraffic();
        builder.Services.AddHostedService<EndedRows>();
    }

    public static void MapSeeds(this IEndpointRouteBuilder app)
    {
        app.MapBasics();
        app.MapPetstore();
        app.MapTasks();
        app.MapResilient();
    }
}
