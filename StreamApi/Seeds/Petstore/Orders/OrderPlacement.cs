using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>Places orders: the order, its first step, the reduced stock and their events commit together.</summary>
internal sealed class OrderPlacement(
    IDbContextFactory<PetstoreContext> contexts,
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
    ) =>
        await contexts.ChangeAsync(
            context => PlaceAsync(context, id, petId, quantity, userId),
            cancellationToken,
            await inventory.EnterAsync(petId, client, cancellationToken)
        );

    private async Task<(Order?, Refusal?)> PlaceAsync(
        PetstoreContext context,
        Guid id,
        string petId,
        int quantity,
        string? userId
    )
    {
        if (await Inventory.LockAsync(context, petId, CancellationToken.None) is not { } pet)
            return (null, Refusal.UnknownPet(petId));
        // Under the pet's lock, so that a repetition sees the order of a request that is still running.
        if (await context.Orders.FindAsync(id) is { } placed)
            return (placed, null);
        if (pet.Stock < quantity)
            return (
                null,
                new Refusal("quantity", $"only {pet.Stock} of '{petId}' are in stock.", StatusCodes.Status409Conflict)
            );
        var now = await context.NowAsync();
        var order = new Order
        {
            Id = id,
            PetId = petId,
            UserId = userId,
            Quantity = quantity,
            UnitPrice = pet.Price,
            Status = OrderSteps.Payment,
            CreatedAt = now,
            UpdatedAt = now,
            TraceParent = Activity.Current?.Id,
        };
        context.Orders.Add(order);
        await OrderSteps.EnterAsync(context, order, OrderSteps.Payment, now, options.Value, CancellationToken.None);
        await Inventory.ChangeAsync(context, pet, pet.Price, pet.Stock - quantity, CancellationToken.None);
        await context.CommitAsync();
        workflow.Placed();
        return (order, null);
    }
}
