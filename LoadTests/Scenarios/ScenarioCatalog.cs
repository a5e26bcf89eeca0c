using LoadTests.Llm;
using LoadTests.Loads;
using LoadTests.Measurements;
using LoadTests.Rosetta;

namespace LoadTests.Scenarios;

/// <param name="Smoke">A size for a quick check.</param>
/// <param name="Full">The size of a measurement.</param>
internal sealed record LoadScenario(
    string Name,
    string Description,
    ScenarioScale Smoke,
    ScenarioScale Full,
    Func<LoadRun, ScenarioScale, IReadOnlyList<ILoad>> Loads
)
{
    public bool InDefaultSet { get; init; } = true;

    /// <summary>True if every client must have connected at the end. Other scenarios wait for their clients before
    /// they publish.</summary>
    public bool RequiresAllClients { get; init; }

    /// <summary>The connections that this process has open at a time.</summary>
    public Func<ScenarioScale, int> Sockets { get; init; } = scale => scale.Clients;

    /// <summary>The time from the first publish or connect to the last publish.</summary>
    public Func<ScenarioScale, TimeSpan> Duration { get; init; } = scale => scale.Time;

    /// <summary>The time until the load is complete and hot code is compiled; see <see cref="SteadyWindow"/>.</summary>
    public Func<ScenarioScale, TimeSpan> Ramp { get; init; } = scale => scale.Time / 4;
}

internal static class ScenarioCatalog
{
    private const int Bytes = 120,
        Large = 8_000;

    public static IReadOnlyList<LoadScenario> All { get; } =
    [
        new(
            "connect-storm",
            "all clients connect at once, then all receive the same events",
            new(300, 20, 3),
            new(8_000, 10, 10),
            (run, scale) =>
            {
                var topics = new TopicSet(run, "all");
                var storm = StormTime(scale);
                return
                [
                    new StormLoad("storm", scale.Clients, storm, topics),
                    new PublishLoad(
                        "publish",
                        topics,
                        Bytes,
                        PublishLoad.Wait(storm + Settle),
                        PublishLoad.AtRate(scale.Rate, scale.Time)
                    ),
                ];
            }
        )
        {
            RequiresAllClients = true,
            Duration = scale => StormTime(scale) + Settle + scale.Time,
            Ramp = scale => StormTime(scale) + Settle + (scale.Time / 4),
        },
        new(
            "fanout",
            "every event goes to every client, at a growing rate",
            new(200, 100, 5),
            new(5_000, 20, 30),
            (run, scale) =>
            {
                var topics = new TopicSet(run, "all");
                return
                [
                    new ReaderLoad("readers", scale.Clients, topics),
                    new PublishLoad(
                        "publish",
                        topics,
                        Bytes,
                        PublishLoad.RampTo(scale.Rate, scale.Time / 2),
                        PublishLoad.AtRate(scale.Rate, scale.Time / 2)
                    ),
                ];
            }
        )
        {
            Ramp = scale => scale.Time / 2,
        },
        new(
            "many-topics",
            "every client has its own topic",
            new(200, 400, 4),
            new(2_000, 2_000, 30),
            (run, scale) =>
            {
                var topics = new TopicSet(run, "own", scale.Clients);
                return
                [
                    new ReaderLoad("readers", scale.Clients, topics, oneTopicEach: true),
                    new PublishLoad("publish", topics, Bytes, PublishLoad.AtRate(scale.Rate, scale.Time)),
                ];
            }
        ),
        new(
            "slow-readers",
            "half of the clients stop reading during large events, then catch up",
            new(20, 300, 6),
            new(100, 300, 30),
            (run, scale) =>
            {
                var topics = new TopicSet(run, "large");
                return
                [
                    new ReaderLoad("prompt", scale.Clients - (scale.Clients / 2), topics),
                    Slow("slow", scale.Clients / 2, topics, TimeSpan.FromSeconds(Math.Min(3, scale.Seconds / 2))),
                    new PublishLoad("publish", topics, Large, PublishLoad.AtRate(scale.Rate, scale.Time)),
                ];
            }
        ),
        new(
            "resume",
            "clients drop, miss events, and resume on any replica with their last id",
            new(100, 50, 6),
            new(1_000, 50, 40),
            (run, scale) =>
            {
                var topics = new TopicSet(run, "all");
                return
                [
                    Returning("returning", scale.Clients, topics, everyEvents: scale.Rate),
                    new PublishLoad("publish", topics, Bytes, PublishLoad.AtRate(scale.Rate, scale.Time)),
                ];
            }
        ),
        new(
            "churn",
            "clients connect and leave all the time, some stay",
            new(50, 50, 5),
            new(500, 50, 40),
            (run, scale) =>
            {
                var topics = new TopicSet(run, "all");
                return
                [
                    new ReaderLoad("staying", scale.Clients, topics),
                    new VisitorLoad("visitors", scale.Clients, scale.Time, TimeSpan.FromSeconds(1), topics),
                    new PublishLoad("publish", topics, Bytes, PublishLoad.AtRate(scale.Rate, scale.Time)),
                ];
            }
        )
        {
            // The staying clients, and visitors for up to one and a half seconds.
            Sockets = scale => scale.Clients * 5 / 2,
        },
        new(
            "llm",
            "answers are generated token by token; readers drop, resume and receive every byte",
            new(10, 50, 5),
            new(200, 50, 30),
            (_, scale) => [new GenerationLoad("generations", scale)]
        )
        {
            // The readers, and the requests to the fake upstream.
            Sockets = scale => 2 * scale.Clients,
        },
        new(
            "rosetta",
            "each answer is read in all protocols, with drops, at all replicas: text, tool calls and usage are equal",
            new(10, 2, 20),
            new(200, 5, 90),
            (_, scale) => [new RosettaLoad("rosetta", scale)]
        ),
        new("mixed", "all kinds of clients at once", new(160, 50, 6), new(2_000, 50, 60), Mixed),
        new("soak", "all kinds of clients, for a long time", new(100, 20, 20), new(1_000, 20, 3_600), Mixed)
        {
            InDefaultSet = false,
        },
    ];

    private static TimeSpan Settle => TimeSpan.FromSeconds(1);

    public static bool Exists(string name) => All.Any(s => s.Name == name);

    public static LoadScenario Get(string name) => All.Single(s => s.Name == name);

    private static List<ILoad> Mixed(LoadRun run, ScenarioScale scale)
    {
        var (all, own, large) = (
            new TopicSet(run, "all"),
            new TopicSet(run, "own", Math.Max(1, scale.Clients / 4)),
            new TopicSet(run, "large")
        );
        return
        [
            new ReaderLoad("readers", scale.Clients / 4, all),
            new ReaderLoad("one-topic", scale.Clients / 4, own, oneTopicEach: true),
            Returning("returning", scale.Clients / 4, all, everyEvents: scale.Rate),
            Slow("slow", Math.Min(20, scale.Clients / 8), large, TimeSpan.FromSeconds(2)),
            new VisitorLoad("visitors", Math.Max(1, scale.Clients / 10), scale.Time, TimeSpan.FromSeconds(1), all),
            new PublishLoad("publish-all", all, Bytes, PublishLoad.AtRate(scale.Rate, scale.Time)),
            new PublishLoad("publish-own", own, Bytes, PublishLoad.AtRate(scale.Rate, scale.Time)),
            new PublishLoad("publish-large", large, Large, PublishLoad.AtRate(scale.Rate, scale.Time)),
        ];
    }

    // About 2,000 connects a second.
    private static TimeSpan StormTime(ScenarioScale scale) =>
        TimeSpan.FromSeconds(Math.Max(0.2, scale.Clients / 2_000.0));

    private static ReaderLoad Returning(string name, int count, TopicSet topics, int everyEvents) =>
        new(name, count, topics)
        {
            // Not during catch-up, or it would never be caught up.
            AfterEach = (reader, run) =>
                Random.Shared.Next(everyEvents) == 0
                && reader.ConnectedFor > TimeSpan.FromSeconds(1.5)
                && run.IsPublishing
                    ? reader.DropAndReturnAsync(TimeSpan.FromSeconds(0.2 + (Random.Shared.NextDouble() * 1.5)))
                    : Task.CompletedTask,
        };

    private static ReaderLoad Slow(string name, int count, TopicSet topics, TimeSpan pause) =>
        new(name, count, topics)
        {
            IsSlow = true,
            AfterEach = (_, run) =>
                Random.Shared.Next(100) == 0 && run.IsPublishing ? Task.Delay(pause, run.Reading) : Task.CompletedTask,
        };
}
