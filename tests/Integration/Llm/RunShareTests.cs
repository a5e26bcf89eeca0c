using EventStore;
using Harness;
using Integration.Delivery;
using Integration.Security;
using Integration.Seeds;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Llm;

/// <summary>The log is shared by clients, however many runs each has.</summary>
public sealed class RunShareTests
{
    private const int Runs = 12;

    private static readonly string Text = new('x', 2_000);

    [Fact]
    public async Task A_publisher_waits_behind_as_many_bytes_of_a_user_as_its_own_however_many_runs_the_user_has()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set(LlmSystem.Settings(upstream))
                .Set(SecureSystem.Settings)
                .Set("AspireSse:EventStore:CommandTimeoutSeconds", 60)
                .ApiKey(SecureSystem.OperatorKey)
        );
        var replica = system.Replicas[0];
        var appender = ((ServiceHost)replica).Services.GetRequiredService<EventAppender>();

        var begun = new CountdownEvent(Runs);
        var go = new TaskCompletionSource();
        var prompt = upstream.On(async request =>
        {
            await request.StartAsync();
            begun.Signal();
            await go.Task;
            await request.TokenAsync(Text);
            await request.EndAsync(1);
        });

        for (var run = 0; run < Runs; run++)
            await StartRunAsync(replica, prompt);

        await Eventually.HoldsAsync(() => begun.IsSet);

        // While a commit is under way, an event of each run waits, and then one of somebody else.
        await using var locked = await LockedTable.LockAsync(system.Database, "eventstore.events");
        var first = PublishAsync(replica);
        await Eventually.HoldsAsync(async () => await locked.WaitersAsync("append") > 0);
        go.SetResult();
        await Eventually.HoldsAsync(() => appender.Pending == Runs);

        var published = PublishAsync(replica);
        await Eventually.HoldsAsync(() => appender.Pending == Runs + 1);
        await locked.ReleaseAsync();

        using var plug = await first;
        using var answer = await published;
        var position = World.Position((await answer.JsonAsync()).Text("events.0.position")!);
        var ahead = await system.Database.AskAsync<long>(
            $"select count(*) from eventstore.events where type = 'token' and position < {position}"
        );

        // As many bytes of the user's are before it as it has itself.
        Assert.InRange(ahead, 1, 3);
    }

    private static Task<HttpResponseMessage> PublishAsync(RunningService replica) =>
        LlmSystem.PostAsync(
            replica,
            "/v1/events",
            new EventBody("t.1", "n", Text + Text),
            ("Authorization", $"Bearer {Tokens.Of("bob", publish: ["t.*"])}")
        );

    private static async Task StartRunAsync(RunningService replica, string prompt)
    {
        using var answer = await LlmSystem.PostAsync(
            replica,
            "/v1/generations",
            LlmSystem.Ask(prompt, "openai"),
            ("Authorization", $"Bearer {Tokens.Of("ann", publish: ["generations.*"])}")
        );
        Assert.True(answer.IsSuccessStatusCode, await answer.TextAsync());
    }
}
