using System.Globalization;
using Harness;

namespace Benchmarks;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchmarkOptions
{
    public const string Usage = """
        Measures the real StreamApi endpoint beside a plain ASP.NET Core server and Nchan, which is fetched where it is not installed (Debian, Ubuntu).

          dotnet run -c Release --project tests/Benchmarks -- [options] [name …]
          dotnet run -c Release --project tests/Benchmarks -- reads [events …]     what a page of a filtered read costs Postgres

          name             measure only what begins with this (fanout, memory, append …)
          --quick          one round of shorter runs: does it work, and roughly how fast
          --rounds N       rounds, the servers taking turns in each; 3 where nothing is said
          --alone          StreamApi without the other servers, for a profiler
          --no-fsync       Postgres answers before the disk has anything: what waiting for the disk costs, by comparison
          --reports FOLDER artifacts/benchmarks where nothing is said
          --list           says what there is to measure, and runs nothing
          --help

        Ends with 0 where everything ran and nothing was lost, 1 where StreamApi lost, doubled or reordered an event, 2 where it could not run.
        A goal that was missed is marked in the table; it does not change the exit code, because other work of the machine may be the reason.

        """;

    public IReadOnlyList<string> Names { get; private init; } = [];
    public bool Quick { get; private init; }
    public int? RoundsAsked { get; private init; }
    public int Rounds => RoundsAsked ?? (Quick ? 1 : 3);
    public string ReportFolder { get; private init; } = Path.Combine(Repository.Root, "artifacts", "benchmarks");
    public bool Alone { get; private init; }
    public bool NoFsync { get; private init; }
    public bool List { get; private init; }
    public bool Help { get; private init; }

    public static BenchmarkOptions Parse(IReadOnlyList<string> args)
    {
        var options = new BenchmarkOptions();
        for (var i = 0; i < args.Count; i++)
        {
            var name = args[i];
            string Value() =>
                ++i < args.Count
                    ? args[i]
                    : throw new BenchmarkException($"{name} needs a value. --help lists the options.");
            options = name switch
            {
                "--quick" => options with { Quick = true },
                "--rounds" => options with { RoundsAsked = Number(name, Value()) },
                "--reports" => options with { ReportFolder = Path.GetFullPath(Value()) },
                "--alone" => options with { Alone = true },
                "--no-fsync" => options with { NoFsync = true },
                "--list" => options with { List = true },
                "--help" or "-h" => options with { Help = true },
                _ when name.StartsWith('-') => throw new BenchmarkException(
                    $"There is no option {name}. --help lists those there are."
                ),
                _ => options with { Names = [.. options.Names, name] },
            };
        }
        return options;
    }

    private static int Number(string name, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 100
            ? number
            : throw new BenchmarkException($"{name} is '{text}'; it must be a number from 1 to 100.");
}
