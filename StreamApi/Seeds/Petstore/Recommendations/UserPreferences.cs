namespace StreamApi.Seeds.Petstore;

/// <summary>Preferences derived from a user's orders.</summary>
/// <param name="Pets">Ordered quantity of each pet.</param>
/// <param name="Species">Share of each species, 0 to 1.</param>
/// <param name="MeanPrice">Mean price per pet, or null without orders.</param>
internal sealed record UserPreferences(
    IReadOnlyDictionary<string, int> Pets,
    IReadOnlyDictionary<string, double> Species,
    double? MeanPrice
)
{
    public static UserPreferences Of(IReadOnlyList<(Pet Pet, int Quantity, decimal UnitPrice)> orders)
    {
        double all = Math.Max(1, orders.Sum(o => o.Quantity));
        return new UserPreferences(
            orders.GroupBy(o => o.Pet.Id).ToDictionary(g => g.Key, g => g.Sum(o => o.Quantity)),
            orders.GroupBy(o => o.Pet.Species).ToDictionary(g => g.Key, g => g.Sum(o => o.Quantity) / all),
            orders.Count == 0 ? null : (double)orders.Sum(o => o.UnitPrice * o.Quantity) / all
        );
    }

    /// <summary>
    /// Scores a pet from 0 to 1 and names the main reason. <paramref name="popularity"/> is its number of orders
    /// relative to the best-selling pet's.
    /// </summary>
    public Recommendation Score(Pet pet, double popularity)
    {
        var species = Species.GetValueOrDefault(pet.Species);
        var price = MeanPrice is { } mean ? 1 / (1 + Math.Abs(Math.Log((double)pet.Price / mean))) : 0;
        (double Weight, string Reason)[] parts = MeanPrice is null
            ? [(0.4 + 0.5 * popularity, popularity > 0 ? "Popular with other customers" : "New in the shop")]
            :
            [
                (0.55 * species, $"Matches your preference for {Plural(pet.Species)}"),
                (Pets.ContainsKey(pet.Id) ? 0.05 : 0, "You ordered this before"),
                (0.25 * price, "Close to what you usually spend"),
                (0.15 * popularity, "Popular with other customers"),
            ];

        return new Recommendation(
            pet.Id,
            pet.Name,
            Math.Round(Math.Min(1, parts.Sum(p => p.Weight)), 2),
            parts.MaxBy(p => p.Weight).Reason
        );
    }

    private static string Plural(string species) => species == "fish" ? species : species + "s";
}

internal sealed record Recommendation(string PetId, string Name, double Score, string Reason);
