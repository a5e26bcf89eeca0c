namespace Browser;

/// <summary>Pages that show the whole system: replicas, connections, tasks, pets, load tests. Their tests, and those
/// that count the elements of every page, run one after the other; the others have their own topics, sessions and
/// answers and run in parallel.</summary>
[CollectionDefinition(Collection)]
public sealed class SharedPages
{
    public const string Collection = "Shared pages";
}
