using EventStore;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using StreamApi.Security.Limits;
using Streaming.Endpoints;
using Streaming.Requests;
using Unit.Client;

namespace Unit.Security;

/// <summary>The bytes that one client may send to publish or change something.</summary>
public sealed class RequestBudgetTests : IDisposable
{
    private const int Kilobyte = 1_024;

    private readonly ManualTime _time = new();
    private readonly ServiceProvider _services;
    private readonly List<PublishBudget> _budgets = [];

    public RequestBudgetTests() =>
        _services = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(_time).BuildServiceProvider();

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1_023, 1)]
    [InlineData(1_024, 2)]
    [InlineData(10_240, 11)]
    public void An_event_costs_its_kilobytes_and_one_more(int characters, int kilobytes)
    {
        var one = new NewEvent("orders.1", "created", new string('1', characters));
        Assert.Equal(kilobytes, PublishBudget.CostOf([one]));
        Assert.Equal(kilobytes + 1, PublishBudget.CostOf([one, new NewEvent("orders.2", "created", "1")]));
    }

    [Fact(Timeout = 60_000)]
    public async Task Ten_seconds_worth_of_one_client_waits_and_more_is_refused()
    {
        var budget = Publishes(16);
        // Forty seconds' worth.
        var spent = Enumerable.Range(0, 40).Select(_ => SpendAsync(budget, "ann", 16)).ToList();
        Assert.Equal(0, await spent[0]);
        Assert.Contains(spent, refused => refused is { IsCompletedSuccessfully: true, Result: 16 });
        Assert.Equal(0, await SpendAsync(budget, "bob", 16));
        Assert.Equal(0, await spent[1]);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_body_of_more_than_a_seconds_worth_waits_and_is_accepted_whole() =>
        Assert.Equal(0, await SpendAsync(Publishes(1_000), "ann", 1_300));

    [Fact]
    public void Without_the_limit_no_body_waits()
    {
        var spent = SpendAsync(Publishes(LimitOptions.Unlimited), "ann", long.MaxValue);
        Assert.True(spent is { IsCompletedSuccessfully: true, Result: 0 });
    }

    [Fact]
    public async Task The_bytes_of_an_admitted_body_are_not_charged_again_with_its_events()
    {
        var (requests, context) = (Requests(Publishes(1_000)), Context());
        await requests.AdmitAsync(context, 1_000 * Kilobyte);
        NewEvent[] events = [.. Enumerable.Repeat(new NewEvent("orders.1", "created", "1"), 1_000)];
        Assert.True(requests.PublishAsync(context, events).AsTask().IsCompletedSuccessfully);
        Assert.False(requests.PublishAsync(Context(), events).AsTask().IsCompleted);
    }

    /// <summary>A stream's body is read before its request is counted, a feature's own after that.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task A_body_is_free_if_its_request_was_counted_by_its_feature(bool isStream, bool isFree)
    {
        var (requests, context) = (Requests(Publishes(1_000)), Context());
        List<object> metadata = [new FeatureRequests("weather", 1, "asked")];
        if (isStream)
            metadata.Add(new StreamBody(new Dictionary<string, string>(), 0));
        context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(metadata), "weather"));
        await requests.AdmitAsync(context, 1_000 * Kilobyte);
        Assert.Equal(isFree, requests.AdmitAsync(context, 1_000 * Kilobyte).AsTask().IsCompletedSuccessfully);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_client_whose_bytes_are_refused_gets_429_and_the_time_to_wait()
    {
        var (requests, contexts) = (Requests(Publishes(16)), Enumerable.Range(0, 40).Select(_ => Context()).ToList());
        var admitted = contexts.Select(c => requests.AdmitAsync(c, 16 * Kilobyte).AsTask()).ToList();
        await admitted[0];
        var last = await Assert.ThrowsAnyAsync<InvalidRequestException>(() => admitted[^1]);
        Assert.Equal(429, last.Status);
        await last.ToResult().ExecuteAsync(contexts[^1]);
        var answer = contexts[^1].Response;
        Assert.Equal((429, "5"), (answer.StatusCode, answer.Headers.RetryAfter.ToString()));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public async Task A_body_that_is_complete_after_its_credential_expired_is_401(int secondsLeft, bool isAdmitted)
    {
        var (requests, context) = (Requests(Publishes(1_000)), Context());
        context.Features.Set(new Caller("ann", TopicGrants.All, _time.GetUtcNow() + TimeSpan.FromSeconds(secondsLeft)));
        foreach (var request in (Func<ValueTask>[])[() => requests.AdmitAsync(context, 1), PublishAsync])
            if (isAdmitted)
                await request();
            else
                Assert.Equal(401, (await Assert.ThrowsAsync<InvalidRequestException>(() => request().AsTask())).Status);

        ValueTask PublishAsync() => requests.PublishAsync(context, []);
    }

    [Theory]
    [InlineData(64 * Kilobyte, false)]
    [InlineData(64 * Kilobyte + 1, true)]
    [InlineData(null, true)]
    public async Task The_refusal_of_a_large_body_is_late_and_closes_its_connection(int? length, bool isLate)
    {
        var (requests, context) = (Requests(Publishes(1_000)), Context());
        (context.Request.Protocol, context.Request.ContentLength) = (HttpProtocol.Http11, length);
        var delayed = requests.DelayRefusalAsync(context).AsTask();
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
        var delayed = Requests(Publishes(1_000)).DelayRefusalAsync(context).AsTask();
        await _time.PassDelayAsync();
        await delayed;
        Assert.Equal("", context.Response.Headers.Connection.ToString());
    }

    public void Dispose()
    {
        foreach (var budget in _budgets)
            budget.Dispose();
        _services.Dispose();
    }

    private static Task<long> SpendAsync(PublishBudget budget, string client, long kilobytes) =>
        budget.SpendAsync(client, kilobytes, TestContext.Current.CancellationToken).AsTask();

    private DefaultHttpContext Context() => new() { RequestServices = _services };

    private PublishBudget Publishes(int kilobytesPerSecond)
    {
        var budget = new PublishBudget(
            Options.Create(new LimitOptions { PublishKilobytesPerSecond = kilobytesPerSecond })
        );
        _budgets.Add(budget);
        return budget;
    }

    private RequestBudget Requests(PublishBudget publishes) =>
        new(
            publishes,
            new MemoryBudget(Options.Create(new LimitOptions { HeldMegabytesPerClient = 1 })),
            new BodyTurns(2, _time),
            _time
        );
}
