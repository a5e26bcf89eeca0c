using Reliability.Abuse;
using Reliability.Citizens;
using Reliability.Failover;
using Reliability.Upgrade;

namespace Reliability;

/// <summary>The report's tables in order. docs/reliability.md explains their columns and limits.</summary>
internal static class ReportTables
{
    public static IReadOnlyList<Section> All { get; } =
    [
        new(
            "faults",
            "Faults",
            "| fault | acknowledged | received | lost | duplicates | reordered | down s | recovered s | |",
            [.. FaultCatalog.All.Select(f => new FaultCheck(f))]
        ),
        new(
            "abuse",
            "Abuse",
            "| abuse | regular p99 without ms | during ms | ratio | burned ms | refused | memory MB | Postgres CPU % "
                + "| responses to the load |",
            [.. AbuseCatalog.All.Select(a => new AbuseCheck(a))]
        ),
        new("citizens", "Citizens", "| citizen | asked for | served | refused | per second | |", CitizenCatalog.All),
        new(
            "input",
            "Bad input",
            "| check | answers | errors | secrets in the log | memory MB | |",
            [new InputCheck()]
        ),
        new(
            "churn",
            "Churn",
            "| check | streams opened | open streams | descriptors | subscribers left | memory MB | |",
            [new ChurnCheck()]
        ),
        new(
            "failover",
            "Failover",
            "| failover | acknowledged | received | lost | duplicates | reordered | resyncs | interrupted | Patroni s "
                + "| beyond s | |",
            FailoverChecks()
        ),
        new(
            "upgrade",
            "Upgrade",
            "| upgrade | acknowledged | received | lost | duplicates | reordered | resyncs | interrupted | |",
            [new UpgradeCheck()]
        ),
    ];

    // Two of each kind, in turn.
    private static List<ICheck> FailoverChecks() =>
        [
            .. FailoverKind.All.Concat(FailoverKind.All).Select((kind, i) => new FailoverCheck(kind, i + 1)),
            new ForkCheck(),
        ];
}
