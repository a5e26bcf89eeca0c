using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using StreamApi.Security;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary><c>/v1/pets</c> and <c>/v1/inventory/stream</c>: the catalogue and its changes.</summary>
internal static class PetsApi
{
    public static void MapPets(this RouteGroupBuilder shop)
    {
        shop.MapGet("/pets", ListAsync)
            .Reads(Inventory.Topic)
            .Produces<Pet[]>()
            .Query("species", "Filters by species.");
        shop.MapGet("/pets/{id}", GetAsync).Reads(Inventory.Topic).Produces<Pet>();
        shop.MapPatch("/pets/{id}", ChangeAsync)
            .Publishes(Inventory.Topic)
            .CountedAs(RequestKind.Publish)
            .Takes<PetChange>()
            .Produces<Pet>();

        shop.MapStream("/inventory/stream", StreamInventory)
            .Reads(Inventory.Topic)
            .SwitchesNames()
            .Sends(
                "Streams changes of stock and price.",
                (Inventory.StockChange, typeof(StockChanged)),
                (Inventory.PriceChange, typeof(PriceChanged))
            );
    }

    private static async Task<IResult> ListAsync(HttpContext context, SeedsStore store)
    {
        var species = context.Request.Query.Filter("species", 64);
        return TypedResults.Ok(
            await store.ReadAsync(
                context,
                db =>
                    db.Pets.Where(p => species == null || p.Species == species)
                        .OrderBy(p => p.Id)
                        .ToListAsync(CancellationToken.None)
            )
        );
    }

    private static async Task<IResult> GetAsync(string id, HttpContext context, SeedsStore store)
    {
        id = JsonBody.Checked("id", id, 64);
        var pet = await store.ReadAsync(
            context,
            db => db.Pets.SingleOrDefaultAsync(p => p.Id == id, CancellationToken.None)
        );
        return pet is null ? Refusal.UnknownPet(id).ToResult() : TypedResults.Ok(pet);
    }

    private static async Task<IResult> ChangeAsync(string id, HttpContext context, Inventory inventory)
    {
        id = JsonBody.Checked("id", id, 64);
        var body = await JsonBody.ReadAsync(context);
        body.CheckMembers("price", "stock");
        var price = PriceIn(body, "price", 1_000_000);
        var stock = body.Whole("stock", 0, 1_000_000);
        if (price is null && stock is null)
            return InvalidRequestException.ProblemOf("price", "requires price or stock.");

        var (pet, refusal) = await inventory.ChangeAsync(
            id,
            pet => (price ?? pet.Price, stock ?? pet.Stock),
            Caller.ClientOf(context),
            context.RequestAborted
        );

        return refusal?.ToResult() ?? TypedResults.Ok(pet);
    }

    private static decimal? PriceIn(JsonElement body, string name, decimal max)
    {
        if (!body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (
            value.ValueKind != JsonValueKind.Number
            || !value.TryGetDecimal(out var number)
            || number <= 0
            || number > max
            || decimal.Round(number, 2) != number
        )
            throw new InvalidRequestException(
                name,
                $"must be a number above 0, at most {max}, with at most two decimals."
            );

        return number;
    }

    private static EventStreamResult StreamInventory(HttpRequest request) =>
        ArticleStream.Of(request, Inventory.Topic, isNamed: true, [Inventory.StockChange, Inventory.PriceChange]);

    /// <summary>Body of a PATCH.</summary>
    private sealed record PetChange(decimal? Price, int? Stock);
}
