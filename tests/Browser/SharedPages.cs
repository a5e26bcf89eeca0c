namespace Browser;

/// <summary>Pages that show all connections. Their tests close those of the page itself, so they run one after the
/// other; other tests run in parallel with them.</summary>
[CollectionDefinition(Collection)]
public sealed class SharedPages
{
    public const string Collection = "Shared pages";
}

/// <summary>The task board shows the tasks of all tests: those that fill it and those that tab through it run one after
/// the other.</summary>
[CollectionDefinition(Collection)]
public sealed class TaskBoard
{
    public const string Collection = "Task board";
}

/// <summary>Long lists of connections. Their tests run alone: a long listing may be a second old, and others list
/// streams that they have just opened.</summary>
[CollectionDefinition(Collection, DisableParallelization = true)]
public sealed class ManyConnections
{
    public const string Collection = "Many connections";
}
