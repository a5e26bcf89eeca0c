namespace Reliability;

/// <summary>What the command line asks for.</summary>
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
        Breaks and abuses a system of its own, one thing after the other, while clients publish and read, and writes what came of it.

          dotnet run -c Release --project tests/Reliability -- [REPORT.md] [--part PART …] [--only TEXT …] [--short] [--clients N] [--rate N]

          REPORT.md      docs/reliability.md where nothing is said
          --part PART    only faults, abuse, input (bad input: 100,000 requests) or churn; may be repeated
          --only TEXT    only rows whose name contains this; may be repeated. They are replaced in the report, the others stay
          --short        less of everything: the kills alone of the faults, half the time for each abuse, 5,000 requests, 20 s of churn
          --clients N    under faults; 240 where nothing is said
          --rate N       events a second and kind of topic (there are three) under faults, 20 where nothing is said

        Ends with 0 where nothing was lost, doubled or reordered, every fault was recovered from, the others' p99 stayed within twice what it was, and nothing
        was left; 1 where not, 2 where it could not run.

        """;

    public int BadRequests => Short ? 5_000 : 100_000;
    public TimeSpan Abuse => TimeSpan.FromSeconds(Short ? 10 : 20);
    public TimeSpan Churn => TimeSpan.FromSeconds(Short ? 20 : 120);

    public bool Wants(string part, string name) =>
        (Parts.Count == 0 || Parts.Contains(part))
        && (!Short || part != "faults" || name.StartsWith("kill", StringComparison.Ordinal))
        && (Only.Count == 0 || Only.Any(text => name.Contains(text, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Null where help is asked for.</summary>
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
                Value() is ("faults" or "abuse" or "input" or "churn") and var part
                    ? part
                    : throw new ArgumentException($"{name} is faults, abuse, input or churn.\n\n{Usage}");
            switch (name)
            {
                case "--part":
                    options = options with { Parts = [.. options.Parts, Part()] };
                    break;
                case "--only":
                    options = options with { Only = [.. options.Only, Value()] };
                    break;
                case "--short":
                    options = options with { Short = true };
                    break;
                case "--clients":
                    options = options with { Clients = Number() };
                    break;
                case "--rate":
                    options = options with { Rate = Number() };
                    break;
                case "--help" or "-h":
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
