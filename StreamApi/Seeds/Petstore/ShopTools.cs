using System.ComponentModel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.AI;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>The agents' knowledge of the shop: their instructions, and the tools with which they query it.</summary>
internal sealed class ShopTools(SeedsStore store)
{
    private const int MaxPets = 5;

    private const string Instructions =
        "You are the assistant of a pet shop. Use the tools for what they know; answer in the user's language.";

    // Maps Japanese words of a question to the English catalogue.
    private static readonly (string Word, string Species)[] Japanese =
    [
        ("犬", "dog"),
        ("猫", "cat"),
        ("鳥", "bird"),
        ("魚", "fish"),
        ("ことり", "bird"),
        ("インコ", "bird"),
        ("うさぎ", "rabbit"),
        ("ウサギ", "rabbit"),
        ("ハムスター", "hamster"),
    ];

    /// <summary>
    /// Searches the catalogue. The demo model selects a tool only by the words after <c>Keywords:</c>.
    /// </summary>
    private AIFunction SearchPets =>
        AIFunctionFactory.Create(
            SearchAsync,
            "search_pets",
            "Searches the pet shop's catalogue by species, breed or name; returns price and stock. "
                + "Keywords: dog, puppy, cat, kitten, bird, parrot, fish, hamster, rabbit, turtle, "
                + "犬, 猫, 鳥, ことり, インコ, 魚, ペット, うさぎ, ウサギ, ハムスター."
        );

    private AIFunction LookUpOrder =>
        AIFunctionFactory.Create(
            LookUpAsync,
            "look_up_order",
            "Looks up the status of an order. Keywords: shipment, tracking, 注文, 配送."
        );

    /// <summary>Gives the agents what the shop has; a tool that reads, to callers who may read the same.</summary>
    public void GiveTo(LlmGatewayOptions agents)
    {
        agents.Instructions = Instructions;
        agents.AddTool(SearchPets, ReadersOf(Inventory.Topic));
        agents.AddTool(LookUpOrder, ReadersOf(Customer.Orders));
    }

    private static AuthorizationPolicy ReadersOf(string topic) =>
        new AuthorizationPolicyBuilder().AddRequirements(new TopicAccess(Publishes: false, topic)).Build();

    private async Task<IReadOnlyList<PetFound>> SearchAsync(
        [Description("Search text")] string query,
        CancellationToken cancellationToken
    )
    {
        await using var db = store.CreateReader();
        var pets = await db.Pets.OrderBy(p => p.Id).ToListAsync(cancellationToken);
        var words = query
            .Split([' ', ',', '.', '?', '!', '、', '。'], StringSplitOptions.RemoveEmptyEntries)
            .Where(w => w.Length > 2)
            .Select(w => w.EndsWith('s') ? w[..^1] : w)
            .Concat(Japanese.Where(j => query.Contains(j.Word, StringComparison.Ordinal)).Select(j => j.Species))
            .ToList();

        var found = pets.Select(p =>
                (
                    Pet: p,
                    Hits: words.Count(w =>
                        $" {p.Name} {p.Species} {p.Breed}".Contains(" " + w, StringComparison.OrdinalIgnoreCase)
                    )
                )
            )
            .ToList();
        // Without a match the shop offers its catalogue.
        var any = found.Exists(f => f.Hits > 0);

        return
        [
            .. found
                .Where(f => f.Hits > 0 || !any)
                .OrderByDescending(f => f.Hits)
                .Take(MaxPets)
                .Select(f => new PetFound(f.Pet.Id, f.Pet.Name, f.Pet.Species, f.Pet.Breed, f.Pet.Price, f.Pet.Stock)),
        ];
    }

    private async Task<OrderFound> LookUpAsync(
        [Description("The order's id")] string orderId,
        CancellationToken cancellationToken
    )
    {
        if (!Guid.TryParse(orderId.Trim(), out var id))
            throw new FormatException($"'{orderId}' is not an order id.");

        await using var db = store.CreateReader();
        var order =
            await db.Orders.SingleOrDefaultAsync(o => o.Id == id, cancellationToken)
            ?? throw new KeyNotFoundException($"There is no order {id}.");
        return new OrderFound(order.Id, order.Status, order.PetId, order.Quantity, order.TrackingNumber);
    }

    private sealed record PetFound(string PetId, string Name, string Species, string Breed, decimal Price, int Stock);

    private sealed record OrderFound(Guid OrderId, string Status, string PetId, int Quantity, string? TrackingNumber);
}
