using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>
/// Changes prices and stock. Each change and its event commit together, and an unchanged value publishes nothing.
/// </summary>
internal sealed class Inventory(IDbContextFactory<PetstoreContext> contexts, RowTurns turns)
{
    public const string Topic = "petstore.inventory";
    public const string StockChange = "stock-change";
    public const string PriceChange = "price-change";

    public async Task<(Pet?, Refusal?)> ChangeAsync(
        string id,
        decimal? price,
        int? stock,
        string client,
        CancellationToken cancellationToken
    ) => await ChangeAsync(id, pet => (price ?? pet.Price, stock ?? pet.Stock), client, cancellationToken);

    /// <summary>Adds to a pet's stock, including orders that were placed since the caller read it.</summary>
    public Task RestockAsync(string id, int count, string client, CancellationToken cancellationToken) =>
        ChangeAsync(id, pet => (pet.Price, pet.Stock + count), client, cancellationToken);

    /// <summary>Waits for the turn to lock this pet.</summary>
    public ValueTask<IDisposable> EnterAsync(string id, string client, CancellationToken cancellationToken) =>
        turns.EnterAsync($"pet {id}", client, cancellationToken);

    private async Task<(Pet?, Refusal?)> ChangeAsync(
        string id,
        Func<Pet, (decimal Price, int Stock)> change,
        string client,
        CancellationToken cancellationToken
    ) =>
        await contexts.ChangeAsync<PetstoreContext, (Pet?, Refusal?)>(
            async context =>
            {
                if (await LockAsync(context, id, CancellationToken.None) is not { } pet)
                    return (null, Refusal.UnknownPet(id));
                var (price, stock) = change(pet);
                await ChangeAsync(context, pet, price, stock, CancellationToken.None);
                await context.CommitAsync();
                return (pet, null);
            },
            cancellationToken,
            await EnterAsync(id, client, cancellationToken)
        );

    /// <summary>
    /// Locks the pet until the transaction ends, so that its events are logged in the order of its changes.
    /// </summary>
    public static async Task<Pet?> LockAsync(PetstoreContext context, string id, CancellationToken cancellationToken) =>
        (
            await context
                .Pets.FromSql($"select * from petstore.pets where id = {id} for update")
                .ToListAsync(cancellationToken)
        ).SingleOrDefault();

    /// <summary>Changes a locked pet within the caller's transaction.</summary>
    public static async Task ChangeAsync(
        PetstoreContext context,
        Pet pet,
        decimal price,
        int stock,
        CancellationToken cancellationToken
    )
    {
        var oldPrice = pet.Price;
        var oldStock = pet.Stock;
        pet.Price = price;
        pet.Stock = stock;
        await context.SaveChangesAsync(cancellationToken);

        if (stock != oldStock)
            await context.PublishAsync(
                Topic,
                StockChange,
                new StockChanged(pet.Id, oldStock, stock),
                pet.Id + ".stock",
                null,
                cancellationToken
            );
        if (price != oldPrice)
            await context.PublishAsync(
                Topic,
                PriceChange,
                new PriceChanged(pet.Id, oldPrice, price),
                pet.Id + ".price",
                null,
                cancellationToken
            );
    }
}

internal sealed record StockChanged(string PetId, int OldStock, int NewStock);

internal sealed record PriceChanged(string PetId, decimal OldPrice, decimal NewPrice);
