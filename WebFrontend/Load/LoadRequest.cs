namespace WebFrontend.Load;

/// <summary>What the page may ask for: enough to see the system work, too little to bring a machine down.</summary>
internal sealed record LoadRequest(string? Scenario, int? Clients, int? Rate, int? Seconds)
{
    public const int MostClients = 2_000,
        MostRate = 2_000,
        LeastSeconds = 2,
        MostSeconds = 60;

    /// <summary>The scenarios of LoadTests that end within a minute or two.</summary>
    public static readonly IReadOnlyList<string> Scenarios =
    [
        "connect-storm",
        "fanout",
        "many-topics",
        "slow-readers",
        "resume",
        "churn",
        "llm",
        "mixed",
    ];

    public IReadOnlyDictionary<string, string[]> Problems()
    {
        var problems = new Dictionary<string, string[]>();
        if (Scenario is null || !Scenarios.Contains(Scenario))
            problems["scenario"] = [$"must be one of {string.Join(", ", Scenarios)}."];
        Check("clients", Clients, 1, MostClients);
        Check("rate", Rate, 1, MostRate);
        Check("seconds", Seconds, LeastSeconds, MostSeconds);
        return problems;

        void Check(string name, int? value, int least, int most)
        {
            if (value < least || value > most)
                problems[name] = [$"must be from {least} to {most}."];
        }
    }

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
