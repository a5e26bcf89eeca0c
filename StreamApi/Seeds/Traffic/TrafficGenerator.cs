using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Petstore;
using StreamApi.Seeds.Storage;
using StreamApi.Seeds.Tasks;

namespace StreamApi.Seeds.Traffic;

/// <summary>
/// Creates orders, price changes and tasks, so that a newcomer sees a living system. One replica does it (a lease),
/// through the same code as requests; it leaves the first half of the pets to the visitor.
/// </summary>
internal sealed class TrafficGenerator(
    OrderPlacement orders,
    Inventory inventory,
    TaskList tasks,
    SeedsStore store,
    LeaderLease lease,
    TimeProvider clock,
    ILogger<TrafficGenerator> logger
) : RestartingService(logger, clock)
{
    private const string Lease = "traffic",
        Client = "traffic";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    private static readonly string[] Users = ["user-456", "user-123", "user-789"];
    private static readonly string[] Titles =
    [
        "Feed the fish",
        "Clean the cat room",
        "Call the vet",
        "Order bird seed",
        "Walk the dogs",
    ];

    private readonly string _holder = Guid.NewGuid().ToString("N");

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    if (await lease.HoldAsync(Lease, _holder, 5 * Interval, stoppingToken) is null)
                        continue;

                    await (
                        Random.Shared.Next(4) switch
                        {
                            0 => OrderAsync(stoppingToken),
                            1 => ChangePriceAsync(stoppingToken),
                            _ => MoveTaskAsync(stoppingToken),
                        }
                    );
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    Logger.LogDebug("No demo traffic was created: {Reason}", e.Message);
                }
            }
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested) { }
    }

    private async Task OrderAsync(CancellationToken cancellationToken)
    {
        var pet = await PetAsync(cancellationToken);
        if (pet.Stock < 5)
            await inventory.ChangeAsync(pet.Id, p => (p.Price, p.Stock + 50), Client, cancellationToken);

        await orders.PlaceAsync(
            Guid.CreateVersion7(),
            pet.Id,
            Random.Shared.Next(1, 3),
            Random.Shared.GetItems(Users, 1)[0],
            Client,
            cancellationToken
        );
    }

    private async Task ChangePriceAsync(CancellationToken cancellationToken)
    {
        var pet = await PetAsync(cancellationToken);
        // Keeps prices bounded over time.
        var factor =
            1
            + (decimal)(Random.Shared.NextDouble() * 0.1 - 0.05)
            + (
                pet.Price > 500 ? -0.05m
                : pet.Price < 10 ? 0.05m
                : 0
            );

        await inventory.ChangeAsync(
            pet.Id,
            p => (decimal.Round(p.Price * factor, 2), p.Stock),
            Client,
            cancellationToken
        );
    }

    private async Task MoveTaskAsync(CancellationToken cancellationToken)
    {
        var title = Random.Shared.GetItems(Titles, 1)[0];
        await using var db = store.CreateReader();
        var task = await db
            .Tasks.OrderBy(t => t.CreatedAt)
            .FirstOrDefaultAsync(t => t.Title == title, cancellationToken);
        if (task is null)
        {
            await tasks.CreateAsync(title, cancellationToken);
            return;
        }

        var next = (Array.IndexOf(TaskList.Statuses, task.Status) + 1) % TaskList.Statuses.Length;
        await tasks.SetStatusAsync(task.Id, TaskList.Statuses[next], Client, cancellationToken);
    }

    private async Task<Pet> PetAsync(CancellationToken cancellationToken)
    {
        await using var db = store.CreateReader();
        var pets = await db.Pets.OrderBy(p => p.Id).ToListAsync(cancellationToken);
        return pets[Random.Shared.Next(pets.Count / 2, pets.Count)];
    }
}
