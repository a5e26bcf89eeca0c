namespace LoadTests.Scenarios;

/// <summary>How many, how fast, how long.</summary>
/// <param name="Clients">Streams.</param>
/// <param name="Rate">Events published a second.</param>
/// <param name="Seconds">Of publishing.</param>
internal sealed record ScenarioScale(int Clients, int Rate, double Seconds)
{
    public TimeSpan Time => TimeSpan.FromSeconds(Seconds);

    public ScenarioScale With(LoadOptions options) =>
        new(options.Clients ?? Clients, options.Rate ?? Rate, options.Seconds ?? Seconds);
}
