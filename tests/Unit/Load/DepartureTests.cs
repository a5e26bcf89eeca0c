using System.Text;
using LoadTests.Loads;
using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.CSharp;
using Unit.Client;

namespace Unit.Load;

/// <summary>Clients that come late or leave early are held to the events of their time.</summary>
public class DepartureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_visitor_leaves_with_everything_that_was_acknowledged_during_its_stay_or_has_lost_it(bool served)
    {
        var send = new TaskCompletionSource();
        await using var system = await StubSystem.StartAsync(async context =>
        {
            await SseServer.WriteAsync(context, StubSystem.Connected);
            await send.Task.WaitAsync(context.RequestAborted);
            await SseServer.Open(Frame("e-1", 0))(context);
        });
        var topics = new TopicSet(system.Run, "all");
        using var end = new CancellationTokenSource();
        var stay = await VisitAsync(system.Run, topics, end.Token);

        Assert.Equal((1, 0, 0), system.Run.Counters.Streams());

        if (served)
            send.SetResult();
        else
            await end.CancelAsync();

        await stay.WaitAsync(Token);
        Assert.Equal(served ? (1, 0) : (0, 1), (topics.Ledger.Report().Received, topics.Ledger.Report().Lost));

        if (served)
            Assert.Equal((0, 0, 0), system.Run.Counters.Streams());
    }

    [Fact]
    public async Task A_visitor_that_is_still_connecting_at_the_end_is_no_failed_request()
    {
        await using var system = await StubSystem.StartAsync(c => Task.Delay(Timeout.Infinite, c.RequestAborted));
        var second = TimeSpan.FromSeconds(1);
        var visitors = new VisitorLoad("visitors", 1, second, second, new TopicSet(system.Run, "all"));
        var visiting = RunAsync(visitors.Build(system.Run, default));

        await Eventually.HoldsAsync(() => system.Run.Counters.Connecting == 1);
        system.Run.End("over");
        var stats = (await visiting).ScenarioStats.Single();

        Assert.Equal(0, stats.Fail.Request.Count + stats.StepStats.Sum(s => s.Fail.Request.Count));
    }

    [Fact]
    public async Task A_late_client_of_the_storm_has_not_lost_earlier_events()
    {
        var accept = new TaskCompletionSource();
        await using var system = await StubSystem.StartAsync(async context =>
        {
            await accept.Task.WaitAsync(context.RequestAborted);
            await SseServer.Open(StubSystem.Connected)(context);
        });
        var topics = new TopicSet(system.Run, "all");
        var storm = new StormLoad("storm", 1, TimeSpan.FromMilliseconds(20), topics).Build(system.Run, default);
        var storming = RunAsync(storm);

        await system.Run.HasStarted.WaitAsync(Token);
        await AcknowledgeAsync(topics);
        accept.SetResult();
        await Eventually.HoldsAsync(() => system.Run.Counters.Connected == 1);
        await storming;
        Assert.Equal(0, topics.Ledger.MissingNow);
        await AcknowledgeAsync(topics);
        Assert.Equal(1, topics.Ledger.MissingNow);
    }

    private static Task<NodeStats> RunAsync(ScenarioProps scenario) =>
        Task.Run(
            () => NBomberRunner.RegisterScenarios(scenario).WithoutReports().DisplayConsoleMetrics(false).Run(),
            Token
        );

    private static string Frame(string id, int publisher) =>
        $"id: {id}\nevent: load\n"
        + $"data: {Encoding.UTF8.GetString(LoadEvent.Json(publisher, 1, LoadEvent.Now(), 0))}\n\n";

    /// <summary>Starts a visit whose time is over at once, with one acknowledged event.</summary>
    private static async Task<Task> VisitAsync(LoadRun run, TopicSet topics, CancellationToken end)
    {
        var visitor = new LoadReader(run, topics.Pattern, topics.Ledger.AddReader("visitor"), run.Delivery);
        var leave = CancellationTokenSource.CreateLinkedTokenSource(end);
        await visitor.OpenAsync(leave.Token);
        visitor.Account.ExpectFromNow();
        await AcknowledgeAsync(topics);
        return visitor.StayAsync(TimeSpan.Zero, leave);
    }

    private static async Task AcknowledgeAsync(TopicSet topics)
    {
        var lane = await topics.TakeAsync(Token);
        lane.Publisher.Acknowledge(lane.Publisher.Next());
    }
}
