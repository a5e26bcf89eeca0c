namespace Browser;

/// <summary>
/// Pages that show what everybody does: replicas, connections, tasks, pets, load tests. Their tests, and those that
/// count what is on every
/// page, run one after the other; the others have topics, sessions and answers of their own and run beside them.
/// </summary>
[CollectionDefinition(Collection)]
public sealed class SharedPages
{
    public const string Collection = "Shared pages";
}
