using Reliability.Abuse;
using Reliability.Failover;

namespace Reliability;

/// <summary>The report's tables in order.</summary>
internal static class Sections
{
    public static IReadOnlyList<Section> All { get; } =
    [
        new(
            "faults",
            "Faults",
            """
            Each row injects one fault into a system in Development while clients publish and read (the scenario
            `mixed` of `LoadTests`: readers that stay, stop reading, drop and resume, or connect and leave; the
            publisher retries what is not acknowledged). A ledger outside of the system records the acknowledgements
            and each client's events.

            - **lost**: acknowledged events that a subscribed client did not receive within 90 s after the end, over
              all clients; or that are not in the log afterwards.
            - **duplicates**, **reordered**: events received more than once, or after a later one by their positions,
              over all clients.
            - **down**: the time from the fault until it was undone and the process answered again.
            - **recovered**: the time from the fault to the end of the last second in which a disconnected client was
              not back, a client waited longer than a second to connect, deliveries or acknowledgements fell below
              three quarters of normal, or the median latency exceeded a second. 0: there was no such second. Unknown:
              no whole second of publishing followed.

            A killed process is restarted after 4 s. SIGSTOP lasts 15 s, a closed or frozen connection or a full disk
            10 s. Postgres is stopped with SIGINT, as by the AppHost, because SIGTERM makes it wait for the last
            client. *Closed and refused*: connections are closed and new ones refused. *Frozen*: connections stay open
            and silent. Redis keeps nothing on disk, so it always restarts empty. While replica 1 alone has no Postgres,
            a probe publishes ten events/s at replica 2, without retries, and reads them at replica 1: each must be
            accepted and arrive within a second, on a stream that does not end.
            """,
            "| fault | acknowledged | received | lost | duplicates | reordered | down s | recovered s | |",
            FaultCatalog.All.Select(f => new FaultCheck(f)).ToList()
        ),
        new(
            "abuse",
            "Abuse",
            """
            A system as in Production with its default limits. Its regular users are 40 readers and a publisher of 50
            events/s, each with its own account. The load comes from one other address, with one account or several,
            each within its limits: 10 accounts for branches, 12 each for patterns, searches, pages, sessions, tasks and
            refused bodies, 20 for slow readers, 100 for readers that never read, 200 for filters and their control, and
            1,000, with ten addresses, for 10,000 streams. **p99**: from the time at which an event was due to be
            published until it is received, over all regular readers, for the events that were due without the load
            (20 s before, and 20 s from ten seconds after its end) and during it, whenever they were received; one that
            never was is infinitely late. It may at most double. Two rows are compared with the row before them instead,
            if that allows more: ten thousand connections at once slow down any program on this machine, so the system
            may have 1.5 times the ratio of a bare program, but at most 3
            ([decision 23](decisions/0023-rule-for-ten-thousand-connections.md)); and 2,000 streams of 200 accounts,
            which all get 50 events/s, may have 1.2 times the ratio of streams with the simplest filter
            ([decision 44](decisions/0044-busy-streams-are-compared.md)). The sessions of short messages have no limit:
            they show what sessions cost whatever their size. With `--short` an abuse lasts ten seconds, in which the
            five slowest events decide the p99. [Decision 46](decisions/0046-what-the-others-wait-for.md) says what the
            others wait for in the rows that exceed their limit.

            **refused**: refused publishes of the regular users, to half a minute after the end. None of their events
            may be lost or come twice, and none of their streams may end. **memory**: of both replicas together, before
            the load, at its highest, and half a minute after, when it may be at most 150 MB more than before.
            **Postgres**: CPU of its sessions in percent of a processor, before the load and in two seconds from ten
            seconds after its end, when it may be at most 15 more; no statement may then have been running for more than
            a second. The load process shares the cores with the system at the lowest priority; the work that it causes
            in the servers and the kernel has normal priority. In Development, where no limit per client applies, each
            event must be answered and received within a second instead.
            """,
            "| abuse | regular p99 without ms | during ms | ratio | refused | memory MB | Postgres CPU % "
                + "| responses to the load |",
            AbuseChecks()
        ),
        new(
            "input",
            "Bad input",
            """
            Random requests derived from the server's own OpenAPI document: valid, nearly valid and garbage, with and
            without credentials, to one replica as in Production, without limits and with the most detailed log. None
            may cause a server error (5xx, except 503 with `Retry-After`) or stay open, and no key, ticket or token may
            appear in the log.
            """,
            "| check | answers | errors | secrets in the log | memory MB | |",
            [new InputCheck()]
        ),
        new(
            "churn",
            "Churn",
            """
            Clients connect and disconnect for minutes, each with its own topic, half of them by a reset. Afterwards
            open streams, descriptors and the topics' subscribers must be as before. The runtime decides when to return
            memory, so up to 150 MB more are allowed. Each client must have opened a stream a second at least.
            """,
            "| check | streams opened | open streams | descriptors | subscribers left | memory MB | |",
            [new ChurnCheck()]
        ),
        new(
            "failover",
            "Failover",
            """
            A cluster of its own: three Postgres 15 servers under Patroni, with `synchronous_mode_strict` and the
            shortest lease that Patroni documents (20 s), etcd, two replicas of StreamApi, two Broadcasters, Redis. The
            services have all three addresses (`Host=a,b,c;Target Session Attributes=primary`). Clients stay for all
            failovers. Each topic has 25 readers, so each event goes to 25; a publish is repeated until it is
            acknowledged; a program writes 20 outbox rows/s in transactions of its own. Each failover begins with 6
            generations under way.

            - **lost**, **duplicates**, **reordered**: as above, once all members are back and everything has arrived.
            - **interrupted**: generations that did not end by themselves. None may, because their writers survive.
            - **Patroni**: from the fault until another member is a primary whose commits are confirmed by a standby.
            - **beyond**: from then to the end of the last second in which the system had not recovered (see
              *recovered* above); at most 8 s.

            The former primary stays dead, frozen or cut off until all of this is measured. The last row has
            asynchronous standbys: replication stops, events are published, acknowledged and delivered, and the primary
            is killed. Exactly the readers that received these events must get `resync`.
            """,
            "| failover | acknowledged | received | lost | duplicates | reordered | resyncs | interrupted | Patroni s "
                + "| beyond s | |",
            FailoverChecks()
        ),
    ];

    // Two of each kind, in turn.
    private static List<ICheck> FailoverChecks() =>
        [
            .. FailoverKind.All.Concat(FailoverKind.All).Select((kind, i) => new FailoverCheck(kind, i + 1)),
            new ForkCheck(),
        ];

    private static List<AbuseCheck> AbuseChecks()
    {
        var ratios = new Dictionary<string, double>();
        return [.. AbuseCatalog.All.Select(a => new AbuseCheck(a, ratios))];
    }
}
