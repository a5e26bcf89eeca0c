namespace Unit;

/// <summary>Activity sources, meters and the pool of arrays belong to the process: tests that read them run
/// alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public class ProcessWide
{
    public const string Name = "Process-wide";
}
