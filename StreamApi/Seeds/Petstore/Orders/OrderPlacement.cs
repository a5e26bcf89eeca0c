using System.Diagnostics;
using Microsoft.Extensions.Options;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>Places orders: the order, its first step, the reduced stock and their events commit together.</summary>
internal sealed class OrderPlacement(
    SeedsStore store,
    Inventory inventory,
    OrderWorkflow workflow,
    IOptions<PetstoreOptions> options
)
{
    /// <summary>Places an order, or returns the one that has this id: its request was sent again.</summary>
    public async Task<(Order?, Refusal?)> PlaceAsync(
        Guid id,
        string petId,
        int quantity,
        string? userId,
        string client,
        CancellationToken cancellationToken
    )
    {
        var placed = await store.ChangeAsync(
            db => PlaceAsync(db, id, petId, quantity, userId),
            cancellationToken,
            await inventory.EnterAsync(petId, client, cancellationToken)
        );
        workflow.Placed();

        return placed;
    }

    private async Task<(Order?, Refusal?)> PlaceAsync(
        SeedsContext db,
        Guid id,
        string petId,
        int quantity,
        string? userId
    )
    {
        if (await Inventory.LockAsync(db, petId) is not { } pet)
            return (null, Refusal.UnknownPet(petId));

        // Under the pet's lock, so that a repetition sees the order of a request that is still running.
        if (await db.Orders.FindAsync(id) is { } placed)
            return (placed, null);

        if (pet.Stock < quantity)
            return (
                null,
                new Refusal("quantity", $"only {pet.Stock} of '{petId}' are in stock.", StatusCodes.Status409Conflict)
            );

        var now = await db.NowAsync();
        var order = new Order
        {
            Id = id,
            PetId = petId,
            UserId = userId,
            Quantity = quantity,
            UnitPrice = pet.Price,
            CreatedAt = now,
            TraceParent = Activity.Current?.Id,
        };
        db.Add(order);
        OrderStatus.Enter(db, order, OrderStatus.Payment, now, options.Value.Step);
        Inventory.Change(db, pet, pet.Price, pet.Stock - quantity);

        return (order, null);
    }
}
