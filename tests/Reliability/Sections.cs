using Reliability.Abuse;

namespace Reliability;

/// <summary>The report's tables, in their order.</summary>
internal static class Sections
{
    public static IReadOnlyList<Section> All { get; } =
    [
        new(
            "faults",
            "Faults",
            """
            A system in Development, one fault after the other while clients publish and read (the scenario `mixed` of `LoadTests`: readers that stay,
            that stop reading, that drop and resume, that come and go; a publisher repeats what was not acknowledged). A ledger outside of the system
            keeps what was acknowledged and what each client got.

            - **lost**: acknowledged, and missing at a client that it was for, over all clients, until 90 s after the end; or not in the log afterwards.
            - **twice**, **reordered**: received again; received after a later one of the same publisher. Each summed over all clients.
            - **down**: from the fault until it was undone and the process answered again.
            - **recovered**: from the fault to the end of the last second in which a client that was cut off was not connected again, one that came was not let
              in within a second, clients got fewer than three quarters of what was published for them, fewer than three quarters of the publishes were acknowledged,
              or the median latency was over a second. 0 where there was no such second; unknown where no whole second of publishing followed.

            What was killed is started again after 4 s. SIGSTOP lasts 15 s, a cut or a full disk 10 s. Postgres is stopped as the AppHost stops it: with SIGINT, since
            SIGTERM means to it "when the last client has left". Cut off means that connections are closed and new ones refused; where nothing
            passes, they stay open and silent. Redis keeps nothing on disk, so each restart of it is an empty one.
            """,
            "| fault | acknowledged | received | lost | twice | reordered | down s | recovered s | |",
            FaultCatalog.All.Select(f => new FaultCheck(f)).ToList()
        ),
        new(
            "abuse",
            "Abuse",
            """
            A system as in Production, with the limits that it has where nothing is set. The others are 40 readers and a publisher of 50 events/s, each a user of his own; one more user, from an
            address of his own, does all that one can. **p99**: publish to receive, over all of the others' readers, without it (twenty seconds before, and twenty from ten seconds after its end) and during; it must not be more than twice as much.
            **refused**: of the others' publishes. **memory**: of both replicas together, before, at most, and half a minute after, when it must not be 150 MB more; ten seconds after the end no
            statement may have run for more than a second in Postgres. The abuser shares the cores with those whom he abuses: his process
            has the lowest priority, what he makes the servers and the kernel do has not.
            """,
            "| abuse | others' p99 without ms | during ms | ratio | refused | memory MB | what the abuser got |",
            AbuseCatalog.All.Select(a => new AbuseCheck(a)).ToList()
        ),
        new(
            "input",
            "Bad input",
            """
            Requests made at random from what the server's own OpenAPI document says: right ones, nearly right ones and garbage, with and without credentials, at one replica as in Production, its
            limits off and its log as talkative as an operator may make it. None may be a fault of the server's (5xx, but for 503 with `Retry-After`), none may stay, and no
            key, ticket or token may come into the log.
            """,
            "| what | answers | faults | secrets in the log | memory MB | |",
            [new InputCheck()]
        ),
        new(
            "churn",
            "Churn",
            """
            Clients come and go for minutes, each with a topic of its own, half of them without a goodbye; then everything must be as it was: open streams, descriptors, and subscribers of the topics.
            Memory is given back when the runtime thinks fit, so it may be up to 150 MB more.
            """,
            "| what | streams opened | open streams | descriptors | subscribers left | memory MB | |",
            [new ChurnCheck()]
        ),
    ];
}
