using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StreamApi.Security.Limits;
using Streaming.Requests;

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
        Assert.Equal(503, budget.Change("c", 0, 64 * 1024 + 1));
        Assert.Null(budget.Change("c", 0, 64 * 1024));
    }

    [Fact]
    public void A_request_that_needs_less_than_before_is_never_refused()
    {
        var budget = Budget(each: 2, all: 3);
        using var run = budget.Keep("a", 8 * Megabyte);
        Assert.Equal((null, null), (budget.Change("a", 4, 3), budget.Change("a", Megabyte, 100 * 1024)));
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

    [Fact]
    public void A_request_counts_as_16_kB_at_least_and_as_nothing_once_it_is_answered()
    {
        var budget = Budget(each: 1, all: 1);
        using var hold = MemoryHold.Of(Context(budget));
        Assert.Equal(0, budget.Held);
        foreach (var (bytes, held) in ((long, long)[])[(1, 16 * 1024), (100_000, 100_000), (20_000, 20_000)])
        {
            hold.Set(bytes);
            Assert.Equal(held, budget.Held);
        }
        hold.Dispose();
        hold.Dispose();
        Assert.Equal(0, budget.Held);
    }

    [Theory]
    [InlineData(1, 10, 429, "(Limits:HeldMegabytesPerClient)")]
    [InlineData(10, 1, 503, "(Limits:HeldMegabytes)")]
    public void A_refused_request_keeps_what_it_had_and_learns_when_to_return(
        int each,
        int all,
        int status,
        string says
    )
    {
        var budget = Budget(each, all);
        var context = Context(budget);
        using var hold = MemoryHold.Of(context);
        hold.Set(100_000);
        var refused = Assert.Throws<InvalidRequestException>(() => hold.Set(2 * Megabyte));
        Assert.Equal((status, "2"), (refused.Status, context.Response.Headers.RetryAfter.ToString()));
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.Equal(100_000, budget.Held);
    }

    private static DefaultHttpContext Context(MemoryBudget budget) =>
        new() { RequestServices = new ServiceCollection().AddSingleton(budget).BuildServiceProvider() };

    private static MemoryBudget Budget(int each, int all) =>
        new(Options.Create(new LimitOptions { HeldMegabytesPerClient = each, HeldMegabytes = all }));
}
