using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>Scores pets for a user one by one and publishes each score as an event of the run.</summary>
internal sealed class Recommender(SeedsStore store, IOptions<PetstoreOptions> options, TimeProvider clock)
{
    /// <summary>
    /// Newest orders that determine a score, of the user and of all users. They are ranges of indexes, so the cost does
    /// not grow with the shop.
    /// </summary>
    private const int OrdersOfUser = 200,
        OrdersOfAll = 2_000;

    /// <summary>Pets that one run scores: the shop has a dozen.</summary>
    private const int MostScored = 8;

    public const string Kind = "recommendations",
        Recommended = "recommendation",
        Complete = "complete";

    /// <summary>The work of a run.</summary>
    public async Task ScoreAsync(Run run, string userId, CancellationToken stop)
    {
        var start = clock.GetTimestamp();
        await using var db = store.CreateReader();

        var preferences = UserPreferences.Of(await OrdersAsync(db, userId));
        var sold = await db
            .Orders.OrderByDescending(o => o.Id)
            .Take(OrdersOfAll)
            .GroupBy(o => o.PetId)
            .Select(g => new { g.Key, Count = g.Count() })
            .ToDictionaryAsync(g => g.Key, g => g.Count, CancellationToken.None);
        var bestSold = sold.Values.DefaultIfEmpty().Max();

        var inStock = await db.Pets.Where(p => p.Stock > 0).OrderBy(p => p.Id).ToListAsync(CancellationToken.None);
        var candidates = inStock
            .OrderByDescending(p => preferences.Species.GetValueOrDefault(p.Species))
            .Take(MostScored)
            .ToList();

        foreach (var pet in candidates)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(options.Value.ScoringMilliseconds), clock, stop);
            await run.AppendAsync(
                Recommended,
                preferences.Score(pet, bestSold == 0 ? 0 : (double)sold.GetValueOrDefault(pet.Id) / bestSold)
            );
        }

        await run.EndAsync(
            Complete,
            new RecommendationsDone(candidates.Count, (long)clock.GetElapsedTime(start).TotalMilliseconds)
        );
    }

    /// <summary>Reads a user's newest orders.</summary>
    public static async Task<IReadOnlyList<(Pet Pet, int Quantity, decimal UnitPrice)>> OrdersAsync(
        SeedsContext db,
        string userId
    )
    {
        // A range of the index and its order. For `user_id = … order by id` Postgres may walk everybody's orders along
        // the primary key until it has met enough of the user's.
        var orders = await db
            .Orders.Where(o =>
                o.UserId != null
                && EF.Functions.GreaterThanOrEqual(
                    ValueTuple.Create(o.UserId, o.Id),
                    ValueTuple.Create(userId, Guid.Empty)
                )
                && EF.Functions.LessThanOrEqual(
                    ValueTuple.Create(o.UserId, o.Id),
                    ValueTuple.Create(userId, Guid.AllBitsSet)
                )
            )
            .OrderByDescending(o => o.UserId)
            .ThenByDescending(o => o.Id)
            .Take(OrdersOfUser)
            .Join(
                db.Pets,
                o => o.PetId,
                p => p.Id,
                (o, p) =>
                    new
                    {
                        Pet = p,
                        o.Quantity,
                        o.UnitPrice,
                    }
            )
            .ToListAsync(CancellationToken.None);
        return [.. orders.Select(o => (o.Pet, o.Quantity, o.UnitPrice))];
    }
}
