namespace Reliability;

/// <summary>What the command line asks for.</summary>
internal sealed record ReliabilityOptions(string Report, IReadOnlyList<string> Only, int Clients, int Rate)
{
    public const string Usage = """
        Breaks a system of its own, one fault after the other, while clients publish and read, and writes what was lost.

          dotnet run -c Release --project tests/Reliability -- [REPORT.md] [--only TEXT …] [--clients N] [--rate N]

          REPORT.md      docs/reliability.md where nothing is said
          --only TEXT    only faults whose name contains this; may be repeated
          --clients N    240 where nothing is said
          --rate N       events a second and kind of topic (there are three), 20 where nothing is said

        Ends with 0 where nothing was lost, doubled or reordered and every fault was recovered from, 1 where not, 2 where it could not run.

        """;

    /// <summary>Null where help is asked for.</summary>
    public static ReliabilityOptions? Parse(IReadOnlyList<string> args)
    {
        var (report, only, clients, rate) = (Path.Combine("docs", "reliability.md"), new List<string>(), 240, 20);
        for (var i = 0; i < args.Count; i++)
        {
            var name = args[i];
            string Value() => ++i < args.Count ? args[i] : throw new ArgumentException($"{name} needs a value.\n\n{Usage}");
            int Number() => int.TryParse(Value(), out var number) && number > 0 ? number : throw new ArgumentException($"{name} must be a number.\n\n{Usage}");
            switch (name)
            {
                case "--only": only.Add(Value()); break;
                case "--clients": clients = Number(); break;
                case "--rate": rate = Number(); break;
                case "--help" or "-h": return null;
                case ['-', ..]: throw new ArgumentException($"There is no option {name}.\n\n{Usage}");
                default: report = name; break;
            }
        }
        return new ReliabilityOptions(report, only, clients, rate);
    }
}
