using System.Security.Claims;
using Harness;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Streaming.Refusals;

namespace Unit.Streaming.Admission;

/// <summary>The bytes that one client may send.</summary>
public sealed class RequestBudgetTests : IDisposable
{
    private const int Kilobyte = 1_024;

    private readonly ManualTime _time = new();
    private readonly ServiceProvider _services;

    public RequestBudgetTests() =>
        _services = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(_time).BuildServiceProvider();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1_023, 1)]
    [InlineData(1_024, 2)]
    [InlineData(10_240, 11)]
    public void An_event_costs_its_kilobytes_and_one_more(int characters, int kilobytes)
    {
        var one = new NewEvent("orders.1", "created", new string('1', characters));
        Assert.Equal(kilobytes, RequestBudget.CostOf([one]));
        Assert.Equal(kilobytes + 1, RequestBudget.CostOf([one, new NewEvent("orders.2", "created", "1")]));
    }

    [Fact]
    public async Task Parts_beyond_the_rate_take_turns_and_those_within_it_do_not()
    {
        var budget = Budget(perSecond: 16);
        Assert.Null(await PartAsync(budget, "ann", 16));
        Assert.NotNull(await PartAsync(budget, "ann", 16));
        Assert.Null(await PartAsync(budget, "bob", 16));

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(await PartAsync(budget, "ann", 16));
    }

    [Fact]
    public async Task Without_a_rate_no_part_takes_a_turn() =>
        Assert.Null(await PartAsync(Budget(perSecond: null), "ann", long.MaxValue));

    [Theory]
    [InlineData(RequestBudget.SmallBytes, false)]
    [InlineData(RequestBudget.SmallBytes + 1, true)]
    public async Task Large_bodies_are_parsed_in_turns(int bytes, bool hasTurn) =>
        Assert.Equal(hasTurn, await Budget(perSecond: 100_000).EnterParsingAsync(Context(), bytes) is not null);

    /// <summary>The second request is the last within the rate, and the third has the client's only turn.</summary>
    [Fact]
    public async Task Requests_with_bodies_beyond_the_rate_take_turns_that_last_until_they_are_answered()
    {
        var budget = Budget(perSecond: 128);
        var contexts = Enumerable.Range(0, 4).Select(_ => Context()).ToList();
        foreach (var context in contexts[..3])
            await budget.EnterParsingAsync(context, 64 * Kilobyte);

        var waiting = budget.EnterParsingAsync(contexts[3], 64 * Kilobyte).AsTask();
        Assert.Equal(Environment.ProcessorCount >= 4, waiting.IsCompleted);
    }

    /// <summary>Others feel the commit of many bytes.</summary>
    [Fact]
    public async Task A_body_of_more_than_64_kB_beyond_the_rate_waits_for_it_or_is_refused()
    {
        var budget = Budget(perSecond: 100);
        await budget.EnterParsingAsync(Context(), 100 * Kilobyte);
        var waiting = budget.EnterParsingAsync(Context(), 900 * Kilobyte).AsTask();

        Assert.Equal(429, (await Assert.ThrowsAsync<RefusedException>(() => EnterAsync(200 * Kilobyte))).Status);

        Assert.Equal(TimeSpan.FromSeconds(9), await _time.PassDelayAsync());
        await waiting;

        Task EnterAsync(long bytes) => budget.EnterParsingAsync(Context(), bytes).AsTask();
    }

    [Fact]
    public async Task The_bytes_of_a_charged_body_are_not_charged_again_with_its_events()
    {
        var budget = Budget(perSecond: 1_000);
        var context = Context();
        await budget.EnterParsingAsync(context, 1_000 * Kilobyte);
        NewEvent[] events = [.. Enumerable.Repeat(new NewEvent("orders.1", "created", "1"), 1_000)];

        budget.Charge(context, events);

        Assert.Null(await PartAsync(budget, "anyone", 0));
        budget.Charge(Context(), events);
        Assert.NotNull(await PartAsync(budget, "anyone", 1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_that_is_complete_after_its_credential_expired_is_401(bool hasExpired)
    {
        var budget = Budget(perSecond: 1_000);
        var context = Context();

        if (hasExpired)
            context.Items["expired"] = true;

        var entering = budget.EnterParsingAsync(context, 1).AsTask();

        if (hasExpired)
            Assert.Equal(401, (await Assert.ThrowsAsync<InvalidRequestException>(() => entering)).Status);
        else
            await entering;
    }

    [Theory]
    [InlineData(64 * Kilobyte, false)]
    [InlineData(64 * Kilobyte + 1, true)]
    [InlineData(null, true)]
    public async Task The_refusal_of_a_large_body_is_late_and_closes_its_connection(int? length, bool isLate)
    {
        var context = Context();
        context.Request.Protocol = HttpProtocol.Http11;
        context.Request.ContentLength = length;

        var delayed = LateRefusal.DelayBodyAsync(context);
        Assert.Equal(!isLate, delayed.IsCompleted);

        if (isLate)
            Assert.InRange(await _time.PassDelayAsync(), TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1.5));

        await delayed;
        Assert.Equal(isLate ? "close" : "", context.Response.Headers.Connection.ToString());
    }

    /// <summary>RFC 9113 §8.2.2 forbids the header.</summary>
    [Fact]
    public async Task On_HTTP_2_a_late_refusal_has_no_header_of_the_connection()
    {
        var context = Context();
        context.Request.Protocol = HttpProtocol.Http2;
        var delayed = LateRefusal.DelayBodyAsync(context);
        await _time.PassDelayAsync();
        await delayed;
        Assert.Equal("", context.Response.Headers.Connection.ToString());
    }

    public void Dispose() => _services.Dispose();

    private ValueTask<IDisposable?> PartAsync(RequestBudget budget, string user, long kilobytes)
    {
        var context = Context();
        context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, user)]));
        return budget.EnterPartAsync(context, kilobytes, isLong: false);
    }

    private DefaultHttpContext Context() => new() { RequestServices = _services };

    private RequestBudget Budget(int? perSecond) => Budgets.Of(perSecond, _time);
}
