namespace LoadTests.Loads;

/// <summary>The size of a scenario.</summary>
/// <param name="Clients">The number of streams.</param>
/// <param name="Rate">Events published a second.</param>
/// <param name="Seconds">The duration of publishing.</param>
internal sealed record ScenarioScale(int Clients, int Rate, double Seconds)
{
    public TimeSpan Time => TimeSpan.FromSeconds(Seconds);

    public ScenarioScale With(LoadOptions options) =>
        new(options.Clients ?? Clients, options.Rate ?? Rate, options.Seconds ?? Seconds);
}
