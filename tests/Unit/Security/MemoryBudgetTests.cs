using Microsoft.Extensions.Options;
using StreamApi.Security.Limits;

namespace Unit.Security;

/// <summary>Bytes of request bodies that a replica holds, for each client and in all.</summary>
public sealed class MemoryBudgetTests
{
    private const long Megabyte = 1024 * 1024;

    [Fact]
    public void A_client_holds_no_more_than_its_own_and_takes_nothing_from_the_others()
    {
        var budget = Budget(each: 2, all: 10);
        Assert.Null(budget.Change("a", 0, Megabyte));
        Assert.Null(budget.Change("a", 0, Megabyte));
        Assert.Equal(429, budget.Change("a", 0, 1));
        Assert.Equal(429, budget.Change("a", Megabyte, Megabyte + 1));
        Assert.Null(budget.Change("b", 0, Megabyte));
        Assert.Null(budget.Change("a", Megabyte, 0));
        Assert.Null(budget.Change("a", 0, Megabyte));
    }

    [Fact]
    public void The_total_is_bounded_and_small_bodies_are_still_admitted()
    {
        var budget = Budget(each: 2, all: 3);
        Assert.Null(budget.Change("a", 0, 2 * Megabyte));
        Assert.Null(budget.Change("b", 0, Megabyte));
        Assert.Equal(503, budget.Change("c", 0, 100 * 1024));
        Assert.Null(budget.Change("c", 0, 16 * 1024));
    }

    [Fact]
    public void Refused_and_returned_work_is_not_counted()
    {
        var budget = Budget(each: 1, all: 1);
        Assert.Equal(429, budget.Change("a", 0, 2 * Megabyte));
        Assert.Null(budget.Change("a", 0, 1_000));
        Assert.Null(budget.Change("a", 1_000, 0));
        Assert.Equal(0, budget.Held);
    }

    [Fact]
    public void Work_that_outlives_its_request_is_counted_until_its_end_and_never_refused()
    {
        var budget = Budget(each: 2, all: 3);
        var run = budget.Keep("a", 4 * Megabyte);
        Assert.Equal((429, 503), (budget.Change("a", 0, 1), budget.Change("b", 0, Megabyte)));
        run.Dispose();
        run.Dispose();
        Assert.Equal((0, null), (budget.Held, budget.Change("a", 0, 2 * Megabyte)));
    }

    private static MemoryBudget Budget(int each, int all) =>
        new(Options.Create(new LimitOptions { HeldMegabytesPerClient = each, HeldMegabytes = all }));
}
