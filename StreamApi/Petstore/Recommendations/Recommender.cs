using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using StreamApi.Runs;

namespace StreamApi.Petstore;

/// <summary>Scores pets for a user, one after the other; each is an event of the run as soon as it is scored.</summary>
internal sealed class Recommender(RunLog runs, LiveRuns live, IDbContextFactory<PetstoreContext> contexts, IOptions<PetstoreOptions> options, TimeProvider clock)
{
    public const string Kind = "recommendations", Recommended = "recommendation", Complete = "complete";

    public async Task<Run> BeginAsync(string userId, string? owner, CancellationToken cancellationToken)
    {
        var run = await runs.BeginAsync(Kind, new { userId, owner }, cancellationToken);
        _ = live.Start(run, begun => ScoreAsync(begun, userId));
        return run;
    }

    private async Task ScoreAsync(Run run, string userId)
    {
        var start = clock.GetTimestamp();
        await using var context = await contexts.CreateDbContextAsync(run.Stopping);
        var history = await context.Orders.AsNoTracking().Where(o => o.UserId == userId)
            .Join(context.Pets, o => o.PetId, p => p.Id, (o, p) => new { Pet = p, o.Quantity, o.UnitPrice }).ToListAsync(run.Stopping);
        var taste = Taste.Of([.. history.Select(h => (h.Pet, h.Quantity, h.UnitPrice))]);
        var bestSold = await context.Orders.GroupBy(o => o.PetId).Select(g => g.Count()).OrderByDescending(n => n).FirstOrDefaultAsync(run.Stopping);
        var inStock = await context.Pets.AsNoTracking().Where(p => p.Stock > 0).OrderBy(p => p.Id).ToListAsync(run.Stopping);
        var candidates = inStock.OrderByDescending(p => taste.Species.GetValueOrDefault(p.Species)).Take(options.Value.Recommendations).ToList();
        foreach (var pet in candidates)
        {
            var sold = await context.Orders.CountAsync(o => o.PetId == pet.Id, run.Stopping);
            await Task.Delay(TimeSpan.FromMilliseconds(options.Value.ScoringMilliseconds), clock, run.Stopping);
            await run.AppendAsync(RunEvent.Of(Recommended, taste.Score(pet, bestSold == 0 ? 0 : (double)sold / bestSold)));
        }
        await run.EndAsync(RunEvent.Of(Complete, new RecommendationsDone(candidates.Count, (long)clock.GetElapsedTime(start).TotalMilliseconds)));
    }
}
