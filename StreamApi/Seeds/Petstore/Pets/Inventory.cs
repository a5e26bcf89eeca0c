using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>Changes prices and stock. A change and its event commit together, and an unchanged value publishes
/// nothing.</summary>
internal sealed class Inventory(SeedsStore store, RowTurns turns)
{
    public const string Topic = "petstore.inventory",
        StockChange = "stock-change",
        PriceChange = "price-change";

    /// <param name="change">Returns the pet's new price and stock.</param>
    public async Task<(Pet?, Refusal?)> ChangeAsync(
        string id,
        Func<Pet, (decimal Price, int Stock)> change,
        string client,
        CancellationToken cancellationToken
    ) =>
        await store.ChangeAsync<(Pet?, Refusal?)>(
            async db =>
            {
                if (await LockAsync(db, id) is not { } pet)
                    return (null, Refusal.UnknownPet(id));

                var (price, stock) = change(pet);
                Change(db, pet, price, stock);
                return (pet, null);
            },
            cancellationToken,
            await EnterAsync(id, client, cancellationToken)
        );

    /// <summary>Waits for the turn to lock this pet.</summary>
    public ValueTask<IDisposable> EnterAsync(string id, string client, CancellationToken cancellationToken) =>
        turns.EnterAsync($"pet {id}", client, cancellationToken);

    /// <summary>Locks the pet until the transaction ends, so that its events are logged in the order of its
    /// changes.</summary>
    public static async Task<Pet?> LockAsync(SeedsContext db, string id) =>
        (
            await db
                .Pets.FromSql($"select * from seeds.pets where id = {id} for update")
                .ToListAsync(CancellationToken.None)
        ).SingleOrDefault();

    /// <summary>Changes a locked pet within the caller's transaction.</summary>
    public static void Change(SeedsContext db, Pet pet, decimal price, int stock)
    {
        if (stock != pet.Stock)
            db.Publish(Topic, StockChange, new StockChanged(pet.Id, pet.Stock, stock), $"{pet.Id}.stock");
        if (price != pet.Price)
            db.Publish(Topic, PriceChange, new PriceChanged(pet.Id, pet.Price, price), $"{pet.Id}.price");

        pet.Price = price;
        pet.Stock = stock;
    }
}

internal sealed record StockChanged(string PetId, int OldStock, int NewStock);

internal sealed record PriceChanged(string PetId, decimal OldPrice, decimal NewPrice);
