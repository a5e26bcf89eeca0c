using System.Globalization;
using System.Text.RegularExpressions;
using LoadTests.Chaos;
using LoadTests.Scenarios;
using LoadTests.Targets;

namespace LoadTests;

internal enum LoadSize
{
    Smoke,
    Full,
}

/// <summary>The options of the command line.</summary>
internal sealed partial record LoadOptions
{
    public static string Usage { get; } =
        $"""
            Loads a running system with SSE clients and verifies that no event is lost, duplicated or reordered.

              dotnet run -c Release --project LoadTests -- [options] [scenario …]

              --target URL         address of any StreamApi replica on this machine; default: the variable
                                   services__streamapi__http__0, which the AppHost sets
              --size smoke|full    number of clients, rate and duration of each scenario; default: smoke
              --clients N          overrides the size's number of clients, 1 to 18000
              --rate N             overrides the size's events published a second, 1 to 20000
              --seconds N          overrides the size's seconds of publishing, 2 to 86400
              --chaos TARGETS      injects faults into redis, postgres, broadcaster, streamapi or all, one after the
                                   other: kills or freezes processes of the system. Faults rotate over the replicas.
                                   A run then takes at least 7 s and 20 s a fault
              --fault KIND         kill (SIGKILL), term (SIGTERM; SIGINT for Postgres) or stop (SIGSTOP, then SIGCONT
                                   after 4 s); default: kill. The AppHost restarts ended processes
                                   (Restart:DelaySeconds); a process that it did not start is not ended
              --pids NAME=PID,…    the processes to inject faults into, when they cannot be found by their addresses
                                   or when something other than the AppHost restarts them
              --max-p99 MS         threshold for the delivery latency; default: 5000, none with --chaos
              --llm-upstream-port N  scenario llm: answers on this port as the target's provider local and times each
                                   token. Start the target with
                                   AspireSse__Llm__Providers__Local__BaseUrl=http://127.0.0.1:N/v1.
                                   Default: the provider demo, untimed
              --topics ROOT        topics begin with ROOT.SCENARIO, so that other clients can read along;
                                   default: a random name
              --reports FOLDER     default: artifacts/load
              --compare A B        compares two results.jsonl: prints the ratios B/A, fails where B is worse beyond the
                                   noise; runs nothing
              --plant-loss         acknowledges one event that was never published: every scenario must fail
                                   (tests the test)
              --progress json      for a program: a progress line in JSON every quarter of a second on the output;
                                   ends when the input is closed
              --help

            Scenarios (default: all but soak): {string.Join(", ", ScenarioCatalog.All.Select(s => s.Name))}.
            Exit code 0: every threshold held. 1: a threshold failed and is named. 2: a scenario could not run and is
            named; the others ran. 130: stopped. report.md tells what ran.

            """;

    private const string TargetVariable = "services__streamapi__http__0";

    public Uri? Target { get; private init; }
    public LoadSize Size { get; private init; }
    public IReadOnlyList<string> Scenarios { get; private init; } = [];
    public int? Clients { get; private init; }
    public int? Rate { get; private init; }
    public int? Seconds { get; private init; }
    public IReadOnlyList<ChaosTarget> Chaos { get; private init; } = [];
    public FaultKind Fault { get; private init; } = FaultKind.Kill;
    public IReadOnlyDictionary<string, int> Pids { get; private init; } = new Dictionary<string, int>();
    public double? MaxP99Ms { get; private init; }
    public LlmTarget Llm { get; private init; } = new(UpstreamPort: null);
    public string? Topics { get; private init; }
    public string ReportFolder { get; private init; } = Path.Combine("artifacts", "load");
    public (string Before, string After)? Compare { get; private init; }
    public bool PlantLoss { get; private init; }
    public bool JsonProgress { get; private init; }
    public bool Help { get; private init; }

    public static LoadOptions Parse(IReadOnlyList<string> args)
    {
        var options = new LoadOptions();
        for (var i = 0; i < args.Count; i++)
        {
            var name = args[i];
            options = name.StartsWith('-')
                ? options.With(name, Value)
                : options with
                {
                    Scenarios = [.. options.Scenarios, .. name.Split(',')],
                };

            string Value() =>
                ++i < args.Count
                    ? args[i]
                    : throw new LoadTestException($"{name} needs a value. --help lists the options.");
        }

        options.RequireScenarios();
        if (options.Chaos.Count == 0 && args.FirstOrDefault(a => a is "--fault" or "--pids") is { } lone)
            throw new LoadTestException($"{lone} needs --chaos, which names the processes to break. Give --chaos too.");

        return options.WithDefaults();
    }

    /// <summary>Returns the options with one more.</summary>
    /// <param name="name">The name of the option.</param>
    /// <param name="value">Takes the next argument.</param>
    private LoadOptions With(string name, Func<string> value) =>
        name switch
        {
            "--target" => this with { Target = ReadUri(name, value()) },
            "--size" => this with { Size = OneOf<LoadSize>(name, value()) },
            "--clients" => this with { Clients = Number(name, value(), 1, 18_000) },
            "--rate" => this with { Rate = Number(name, value(), 1, 20_000) },
            "--seconds" => this with { Seconds = Number(name, value(), 2, 86_400) },
            "--chaos" => this with { Chaos = ReadChaos(value()) },
            "--fault" => this with { Fault = OneOf<FaultKind>(name, value()) },
            "--pids" => this with { Pids = ReadPids(value()) },
            "--max-p99" => this with { MaxP99Ms = Number(name, value(), 1, 3_600_000) },
            "--llm-upstream-port" => this with { Llm = new LlmTarget(Number(name, value(), 1, 65_535)) },
            "--topics" => this with { Topics = ReadTopics(value()) },
            "--reports" => this with { ReportFolder = NotEmpty(name, value()) },
            "--compare" => this with { Compare = (value(), value()) },
            "--plant-loss" => this with { PlantLoss = true },
            "--progress" => this with { JsonProgress = IsJson(name, value()) },
            "--help" or "-h" => this with { Help = true },
            _ => throw new LoadTestException($"There is no option {name}. --help lists the options."),
        };

    private void RequireScenarios()
    {
        if (Scenarios.FirstOrDefault(s => !ScenarioCatalog.Exists(s)) is { } unknown)
            throw new LoadTestException(
                $"There is no scenario '{unknown}'. Choose from "
                    + $"{string.Join(", ", ScenarioCatalog.All.Select(s => s.Name))}."
            );
    }

    private LoadOptions WithDefaults() =>
        this with
        {
            // Read only where it is needed, so that a wrong one does not keep --help from answering.
            Target =
                Target is null && this is { Help: false, Compare: null }
                    ? ReadUri(TargetVariable, Environment.GetEnvironmentVariable(TargetVariable))
                    : Target,
            Scenarios =
                Scenarios.Count > 0
                    ? Scenarios
                    : [.. ScenarioCatalog.All.Where(s => s.InDefaultSet).Select(s => s.Name)],
        };

    private static bool IsJson(string name, string text) =>
        text == "json" ? true : throw new LoadTestException($"{name} takes json.");

    /// <summary>Accepts a topic that leaves room for the scenario and the number of a lane.</summary>
    private static string ReadTopics(string text) =>
        Topic().IsMatch(text)
            ? text
            : throw new LoadTestException(
                $"--topics is '{text}'; it must be a topic of at most 200 characters: tokens of letters, digits, _ and "
                    + "-, separated by dots."
            );

    private static string NotEmpty(string name, string text) =>
        text.Length > 0 ? text : throw new LoadTestException($"{name} is empty; it must name a folder.");

    private static IReadOnlyList<ChaosTarget> ReadChaos(string text) =>
        text switch
        {
            "all" => [ChaosTarget.Redis, ChaosTarget.Broadcaster, ChaosTarget.StreamApi, ChaosTarget.Postgres],
            "none" => [],
            _ => [.. text.Split(',').Select(t => OneOf<ChaosTarget>("--chaos", t, " or all or none"))],
        };

    private static Dictionary<string, int> ReadPids(string text)
    {
        var pids = new Dictionary<string, int>();
        foreach (var pair in text.Split(',').Select(pair => pair.Split('=')))
            if (
                pair.Length != 2
                || !pids.TryAdd(
                    OneOf<ChaosTarget>("--pids", pair[0]).ToString(),
                    Number("--pids", pair[1], 2, int.MaxValue)
                )
            )
                throw new LoadTestException("--pids must be NAME=PID,… with each name once.");

        return pids;
    }

    private static T OneOf<T>(string name, string text, string orElse = "")
        where T : struct, Enum =>
        // Enum.TryParse takes numbers, signs and lists too.
        Enum.GetNames<T>().Contains(text, StringComparer.OrdinalIgnoreCase)
            ? Enum.Parse<T>(text, ignoreCase: true)
            : throw new LoadTestException(
                $"{name} is '{text}'; it must be "
                    + $"{string.Join(" or ", Enum.GetNames<T>().Select(n => n.ToLowerInvariant()))}{orElse}."
            );

    private static int Number(string name, string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
        && value >= least
        && value <= most
            ? value
            : throw new LoadTestException($"{name} is '{text}'; it must be a number from {least} to {most}.");

    private static Uri? ReadUri(string name, string? text) =>
        string.IsNullOrEmpty(text) ? null
        : Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" ? uri
        : throw new LoadTestException($"{name} is '{text}'; it must be an address such as http://localhost:5080.");

    [GeneratedRegex(@"^(?=.{1,200}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")]
    private static partial Regex Topic();
}
