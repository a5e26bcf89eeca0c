namespace WebFrontend.Load;

/// <summary>Options of a run from the page, limited so that a run cannot overload the machine.</summary>
internal sealed record LoadRequest(string? Scenario, int? Clients, int? Rate, int? Seconds)
{
    public const int MaxClients = 2_000;
    public const int MaxRate = 2_000;
    public const int MinSeconds = 2;
    public const int MaxSeconds = 60;

    /// <summary>The scenarios of LoadTests that take at most two minutes.</summary>
    public static readonly IReadOnlyList<string> Scenarios =
    [
        "connect-storm",
        "fanout",
        "many-topics",
        "slow-readers",
        "resume",
        "churn",
        "llm",
        "rosetta",
        "mixed",
    ];

    /// <summary>Validates the request: errors by field.</summary>
    public IReadOnlyDictionary<string, string[]> Problems()
    {
        var problems = new Dictionary<string, string[]>();
        if (Scenario is null || !Scenarios.Contains(Scenario))
            problems["scenario"] = [$"must be one of {string.Join(", ", Scenarios)}."];

        Check("clients", Clients, 1, MaxClients);
        Check("rate", Rate, 1, MaxRate);
        Check("seconds", Seconds, MinSeconds, MaxSeconds);
        return problems;

        void Check(string name, int? value, int min, int max)
        {
            if (value < min || value > max)
                problems[name] = [$"must be from {min} to {max}."];
        }
    }

    /// <summary>The command line of LoadTests for this request.</summary>
    public IEnumerable<string> Arguments()
    {
        yield return Scenario!;
        foreach (
            var (name, value) in ((string, int?)[])[("--clients", Clients), ("--rate", Rate), ("--seconds", Seconds)]
        )
        {
            if (value is not { } number)
                continue;
            yield return name;
            yield return number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
    }
}
