namespace Reliability;

/// <summary>The options of the command line.</summary>
internal sealed record ReliabilityOptions(
    string Report,
    IReadOnlyList<string> Parts,
    IReadOnlyList<string> Only,
    int Clients,
    int Rate,
    bool Short
)
{
    public const string Usage = """
        Injects faults into a system of its own and abuses it, one check after another, while clients publish and read.
        Writes the results as a report.

          dotnet run -c Release --project tests/Reliability -- [REPORT.md] [options]
          dotnet run -c Release --project tests/Reliability -- compose [--short]

          REPORT.md      default: docs/reliability.md
          --part PART    runs only faults, abuse, citizens, input (100,000 bad requests), churn, failover or upgrade;
                         may be repeated
          --from COMMIT  the version that is upgraded to this one and back; default: the newest tag v* before this
                         commit
          --only TEXT    runs only the rows whose name contains this; may be repeated. Other rows of the report stay
          --short        runs less: only the kills among the faults, half the time for each abuse, 5,000 requests,
                         20 s of churn
          --allow-skipped  rows that this machine cannot run (they need root or libfaketime) are no failure
          --clients N    clients under faults (default: 240), readers under failovers (default: 5000)
          --rate N       events a second for each of the three kinds of topic under faults (default: 20), for all
                         topics under failovers (default: 1000)
          compose        starts deploy/compose.yaml in containers instead, kills a replica, upgrades the rest under
                         load, and restores a backup; needs docker compose or podman-compose and the images of
                         eng/images. Takes other images (POSTGRES_IMAGE …) from the environment or deploy/.env.
                         --short only starts and uses it, and only if all images are there and those of the services
                         are of this commit

        TMPDIR=/dev/shm keeps the stores' files in memory: a disk that others use, too, decides the p99 of an abuse.
        Outside of systemd and containers, sysctl kernel.sched_autogroup_enabled=0 gives Postgres its turn: with
        autogroup each of its connections is a group of its own, and they waited up to 0.1 s for a processor.

        Exit code 0: no event was lost, duplicated or reordered, the system recovered from every fault, the p99 of other
        clients was within its limit, and nothing was left. 1: a check failed, broke off, or could not run on this
        machine (see --allow-skipped). 2: none could run.

        """;

    public int BadRequests => Short ? 5_000 : 100_000;
    public TimeSpan Abuse => TimeSpan.FromSeconds(Short ? 10 : 20);

    /// <summary>True if a row that this machine cannot run is no failure.</summary>
    public bool AllowsSkipped { get; init; }

    /// <summary>The commit from which the system is upgraded, or null for that of the newest tag.</summary>
    public string? From { get; init; }

    /// <summary>Readers under failovers.</summary>
    public int FailoverClients { get; init; } = 5_000;

    /// <summary>Events a second under failovers.</summary>
    public int FailoverRate { get; init; } = 1_000;
    public TimeSpan Churn => TimeSpan.FromSeconds(Short ? 20 : 120);

    public bool Wants(string part, string name) =>
        (Parts.Count == 0 || Parts.Contains(part))
        && (!Short || part != "faults" || name.StartsWith("kill", StringComparison.Ordinal))
        && (Only.Count == 0 || Only.Any(text => name.Contains(text, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Parses the arguments. Returns null for --help.</summary>
    public static ReliabilityOptions? Parse(IReadOnlyList<string> args)
    {
        var options = new ReliabilityOptions(Path.Combine("docs", "reliability.md"), [], [], 240, 20, Short: false);

        for (var i = 0; i < args.Count; i++)
        {
            var name = args[i];

            string Value() =>
                ++i < args.Count ? args[i] : throw new ArgumentException($"{name} needs a value.\n\n{Usage}");

            int Number() =>
                int.TryParse(Value(), out var number) && number > 0
                    ? number
                    : throw new ArgumentException($"{name} must be a number.\n\n{Usage}");

            string Part() =>
                Value()
                    is ("faults" or "abuse" or "citizens" or "input" or "churn" or "failover" or "upgrade")
                        and var part
                    ? part
                    : throw new ArgumentException(
                        $"{name} must be faults, abuse, citizens, input, churn, failover or upgrade.\n\n{Usage}"
                    );

            switch (name)
            {
                case "--part":
                    options = options with { Parts = [.. options.Parts, Part()] };
                    break;

                case "--only":
                    options = options with { Only = [.. options.Only, Value()] };
                    break;
                case "--from":
                    options = options with { From = Value() };
                    break;

                case "--short":
                    options = options with { Short = true };
                    break;
                case "--allow-skipped":
                    options = options with { AllowsSkipped = true };
                    break;

                case "--clients":
                    var clients = Number();
                    options = options with { Clients = clients, FailoverClients = clients };
                    break;
                case "--rate":
                    var rate = Number();
                    options = options with { Rate = rate, FailoverRate = rate };
                    break;

                case "--help"
                or "-h":
                    return null;
                case ['-', ..]:
                    throw new ArgumentException($"There is no option {name}.\n\n{Usage}");
                default:
                    options = options with { Report = name };
                    break;
            }
        }

        return options;
    }
}
