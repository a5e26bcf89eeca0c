using Harness;

namespace Reliability;

/// <summary>The faults in the order of the report.</summary>
internal static class FaultCatalog
{
    private static readonly TimeSpan Down = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Frozen = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Cut = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Off = TimeSpan.FromHours(1);

    private static readonly (string Name, Func<ReliabilitySystem, IBreakable> Of)[] Processes =
    [
        ("StreamApi, replica 1", s => s.Replicas[0].Process),
        ("StreamApi, replica 2", s => s.Replicas[1].Process),
        ("the leading Broadcaster", s => s.Leader.Process),
        ("Redis", s => s.Redis),
        ("Postgres", s => s.Postgres),
    ];

    private static readonly (string Name, Func<RunningService, FaultyLink> Of)[] Stores =
    [
        ("Postgres", service => service.Links.Postgres),
        ("Redis", service => service.Links.Redis),
    ];

    private static readonly (string Name, Action<FaultyLink> Break)[] Ways =
    [
        ("closed and refused", link => link.Cut()),
        ("frozen", link => link.Freeze()),
    ];

    public static IReadOnlyList<Fault> All { get; } =
    [
        .. Processes.Select(p => new Fault(
            $"kill -9 of {p.Name}",
            Down,
            s => Do(() => p.Of(s).Kill()),
            (s, token) => p.Of(s).StartAsync(token)
        )),
        .. Processes.Select(p => new Fault(
            $"SIGTERM of {p.Name}",
            Down,
            s => Do(() => p.Of(s).Terminate()),
            async (system, token) =>
            {
                await p.Of(system).WaitForEndAsync(token);
                await p.Of(system).StartAsync(token);
            }
        )),
        .. Processes.Select(p => new Fault(
            $"SIGSTOP of {p.Name}",
            Frozen,
            s => Do(() => p.Of(s).Freeze()),
            (s, _) => Do(() => p.Of(s).Thaw())
        )),
        new(
            "Redis restarted empty, without delay",
            TimeSpan.Zero,
            s => Do(s.Redis.Kill),
            (s, token) => s.Redis.StartAsync(token)
        ),
        EachSecond(
            "Redis killed and started empty each second",
            async (s, token) =>
            {
                s.Redis.Kill();
                await s.Redis.StartAsync(token);
            }
        ),
        EachSecond("all sessions of Postgres ended each second", (s, token) => s.EndSessionsAsync(token)),
        new(
            "1,000 commits whose page is never sent, as by a replica killed before it",
            TimeSpan.FromMinutes(3),
            _ => Task.CompletedTask,
            (_, _) => Task.CompletedTask
        )
        {
            Probe = () => new UnsentCommitsProbe(),
        },
        .. from way in Ways
        from store in Stores
        select Link($"all connections to {store.Name} {way.Name}", s => s.Services.Select(store.Of), way.Break),
        Link(
            "connections of StreamApi's replica 1 to both stores frozen",
            s => [s.Replicas[0].Links.Postgres, s.Replicas[0].Links.Redis],
            link => link.Freeze()
        ),
        .. from way in Ways
        select Link(
            $"connections of StreamApi's replica 1 to Postgres alone {way.Name}",
            s => [s.Replicas[0].Links.Postgres],
            way.Break
        ) with
        {
            Probe = () => new CutOffProbe(),
        },
        Link(
            "connections of the leading Broadcaster to both stores frozen",
            s => [s.Leader.Links.Postgres, s.Leader.Links.Redis],
            link => link.Freeze()
        ),
        new(
            "disk full under Postgres",
            Cut,
            s => Do(s.Disk!.Fill),
            async (s, token) =>
            {
                s.Disk!.Free();
                await s.Postgres.StartAsync(token);
            }
        )
        {
            Needs = SystemKind.SmallDisk,
            Probe = () => new PublishProbe(),
        },
        Clock("Postgres's clock", "Postgres", Off),
        Clock("Postgres's clock", "Postgres", -Off),
        Clock("the clock of StreamApi's replica 1", "StreamApi 1", Off),
        Clock("the clock of StreamApi's replica 1", "StreamApi 1", -Off),
    ];

    private static Fault EachSecond(string name, Func<ReliabilitySystem, CancellationToken, Task> breakAsync) =>
        new(
            name,
            TimeSpan.FromSeconds(30),
            _ => Task.CompletedTask,
            async (s, token) =>
            {
                await s.Redis.StartAsync(token);
                await s.Postgres.StartAsync(token);
            }
        )
        {
            Probe = () => new EachSecondProbe(breakAsync),
        };

    private static Fault Link(
        string name,
        Func<ReliabilitySystem, IEnumerable<FaultyLink>> links,
        Action<FaultyLink> fault
    )
    {
        // Remembered, because the leader may have changed when the fault ends.
        FaultyLink[] broken = [];
        return new Fault(
            name,
            Cut,
            s =>
                Do(() =>
                {
                    foreach (var link in broken = [.. links(s)])
                        fault(link);
                }),
            (_, _) =>
                Do(() =>
                {
                    foreach (var link in broken)
                        link.Heal();
                })
        );
    }

    private static Fault Clock(string name, string process, TimeSpan offset) =>
        new(
            $"{name} jumps an hour {(offset > TimeSpan.Zero ? "ahead" : "back")} and is corrected later",
            Cut,
            s => Do(() => s.Clock!.Set(process, offset)),
            (s, _) => Do(() => s.Clock!.Set(process, TimeSpan.Zero))
        )
        {
            Needs = SystemKind.SettableClock,
            Probe = () => new ClockProbe(process),
        };

    private static Task Do(Action action)
    {
        action();
        return Task.CompletedTask;
    }
}
