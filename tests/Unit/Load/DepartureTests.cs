using System.Text;
using LoadTests.Loads;
using LoadTests.Measurements;
using NBomber.CSharp;
using Unit.Client;
using Unit.ServiceDefaults;

namespace Unit.Load;

/// <summary>Clients that come late or leave early are held to the events of their time.</summary>
public class DepartureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_visitor_leaves_with_everything_that_was_acknowledged_during_its_stay()
    {
        var send = new TaskCompletionSource();
        await using var system = await StubSystem.StartAsync(async context =>
        {
            await SseServer.WriteAsync(context, StubSystem.Connected);
            await send.Task.WaitAsync(context.RequestAborted);
            await SseServer.Open(Frame("e-1", 0))(context);
        });
        var topics = new TopicSet(system.Run, "all");
        var stay = await VisitAsync(system.Run, topics, CancellationToken.None);
        send.SetResult();
        await stay.WaitAsync(Token);
        Assert.Equal((1, 0), (topics.Ledger.Report().Received, topics.Ledger.Report().Lost));
    }

    [Fact]
    public async Task A_visitor_that_was_accepted_and_never_served_lost_the_acknowledged_events()
    {
        await using var system = await StubSystem.StartAsync(SseServer.Open(StubSystem.Connected));
        var topics = new TopicSet(system.Run, "all");
        using var end = new CancellationTokenSource();
        var stay = await VisitAsync(system.Run, topics, end.Token);
        await end.CancelAsync();
        await stay.WaitAsync(Token);
        Assert.Equal(1, topics.Ledger.Report().Lost);
    }

    [Fact]
    public async Task A_visitor_that_is_still_connecting_at_the_end_is_no_failed_request()
    {
        await using var system = await StubSystem.StartAsync(context =>
            Task.Delay(Timeout.Infinite, context.RequestAborted)
        );
        var visitors = new VisitorLoad(
            "visitors",
            1,
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(1),
            new TopicSet(system.Run, "all")
        ).Build(system.Run, default);
        var visiting = Task.Run(
            () => NBomberRunner.RegisterScenarios(visitors).WithoutReports().DisplayConsoleMetrics(false).Run(),
            Token
        );
        await Eventually.GetAsync(() => system.Run.Counters.Connecting == 1 ? "connecting" : null);
        system.Run.End("over");
        var stats = (await visiting).ScenarioStats.Single();
        Assert.Equal(0, stats.Fail.Request.Count + stats.StepStats.Sum(s => s.Fail.Request.Count));
    }

    [Fact]
    public async Task An_event_after_a_later_one_of_another_publisher_counts_as_reordered()
    {
        await using var system = await StubSystem.StartAsync(
            SseServer.Open(StubSystem.Connected + Frame("e-12", 0) + Frame("e-11", 1))
        );
        var topics = new TopicSet(system.Run, "all");
        for (var lane = 0; lane < 2; lane++)
            await AcknowledgeAsync(topics);
        await using var reader = new LoadReader(
            system.Run,
            topics.Pattern,
            topics.Ledger.AddReader("reader"),
            system.Run.Delivery
        );
        await reader.OpenAsync(Token);
        await reader.NextAsync();
        await reader.NextAsync();
        Assert.Equal((1, 0), (topics.Ledger.Report().Reordered, topics.Ledger.Report().Lost));
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
        var storming = Task.Run(
            () => NBomberRunner.RegisterScenarios(storm).WithoutReports().DisplayConsoleMetrics(false).Run(),
            Token
        );
        await system.Run.HasStarted.WaitAsync(Token);
        await AcknowledgeAsync(topics);
        accept.SetResult();
        await Eventually.GetAsync(() => system.Run.Counters.Connected == 1 ? "in" : null);
        await storming;
        Assert.Equal(0, topics.Ledger.MissingNow);
        await AcknowledgeAsync(topics);
        Assert.Equal(1, topics.Ledger.MissingNow);
    }

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
