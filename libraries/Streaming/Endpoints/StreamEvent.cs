namespace AspireSse.Server;

/// <summary>An event that a stream sends.</summary>
/// <param name="Name">Its type.</param>
/// <param name="Data">The type whose JSON is its data.</param>
public sealed record StreamEvent(string Name, Type Data)
{
    /// <summary>Returns the event that is described.</summary>
    public static implicit operator StreamEvent((string Name, Type Data) described) =>
        new(described.Name, described.Data);
}
