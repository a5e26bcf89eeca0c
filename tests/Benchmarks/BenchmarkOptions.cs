using System.Globalization;
using Harness;

namespace Benchmarks;

/// <summary>The options of the command line.</summary>
internal sealed record BenchmarkOptions
{
    private const int ComparedRounds = 5;

    public const string Usage = """
        Measures the real StreamApi endpoint beside a plain ASP.NET Core server, Nchan and a bare C sender. Nchan is
        fetched when it is not installed (Debian, Ubuntu); the sender needs gcc.

          dotnet run -c Release --project tests/Benchmarks -- [options] [name …]
          dotnet run -c Release --project tests/Benchmarks -- compare <commit> [options] [name …]
          dotnet run -c Release --project tests/Benchmarks -- match
          dotnet run -c Release --project tests/Benchmarks -- relay

          name             measures only the benchmarks that begin with this (fanout, memory, append …)
          compare          measures this build and the commit's in turns, five rounds, and judges the median of the
                           ratios: at most 1.03 × the commit's cost
          match            measures what finding the filters of an event costs
          relay            measures what an event from Redis costs a replica that drops it unread, and one that reads
                           it in vain
          --quick          one round of shorter runs, for a first impression
          --rounds N       number of rounds, in each of which the servers take turns; default: 3, for compare 5, which
                           is also its minimum
          --control        compare measures the commit's build beside itself: what the method makes of no difference
          --alone          StreamApi without the other servers, for a profiler
          --no-fsync       Postgres does not wait for the disk, to see by comparison what that costs
          --reports FOLDER default: artifacts/benchmarks
          --list           lists the benchmarks and runs nothing
          --help

        Exit code 0: everything ran and no event was lost. 1: StreamApi failed, or lost, duplicated or reordered an
        event; with compare also: it costs more than the commit. 2: the benchmarks could not run. A missed goal is
        marked in the table but does not change the exit code, because other work on the machine may be the reason.

        """;

    public IReadOnlyList<string> Names { get; private init; } = [];
    public bool Quick { get; private init; }
    public int? RoundsAsked { get; private init; }
    public int Rounds => RoundsAsked ?? (Quick ? 1 : 3);
    public string ReportFolder { get; private init; } = Path.Combine(Repository.Root, "artifacts", "benchmarks");
    public bool Alone { get; private init; }
    public bool NoFsync { get; private init; }
    public bool Control { get; private init; }
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
                "--control" => options with { Control = true },
                "--list" => options with { List = true },
                "--help" or "-h" => options with { Help = true },
                _ when name.StartsWith('-') => throw new BenchmarkException(
                    $"There is no option {name}. --help lists the options."
                ),
                _ => options with { Names = [.. options.Names, name] },
            };
        }

        return options;
    }

    /// <summary>Returns the options of a comparison of two builds: without other servers, and with enough rounds.
    /// </summary>
    /// <exception cref="BenchmarkException">Fewer rounds are asked for.</exception>
    public BenchmarkOptions ForComparison() =>
        RoundsAsked is { } asked and < ComparedRounds
            ? throw new BenchmarkException($"--rounds is {asked}; a comparison needs {ComparedRounds} or more.")
            : this with
            {
                Alone = true,
                RoundsAsked = RoundsAsked ?? ComparedRounds,
            };

    private static int Number(string name, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 100
            ? number
            : throw new BenchmarkException($"{name} is '{text}'; it must be a number from 1 to 100.");
}
