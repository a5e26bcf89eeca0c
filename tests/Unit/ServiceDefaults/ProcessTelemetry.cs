namespace Unit.ServiceDefaults;

/// <summary>Activity sources and meters belong to the process: tests that read them run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public class ProcessTelemetry
{
    public const string Name = "Telemetry";
}
