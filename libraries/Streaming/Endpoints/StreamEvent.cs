namespace AspireSse.Server;

/// <summary>An event that a stream sends.</summary>
/// <remarks>Needed to describe the events of a stream in an OpenAPI document, by <c>Sends(…)</c>.</remarks>
/// <param name="Name">Its type.</param>
/// <param name="Data">The type whose JSON is its data.</param>
public sealed record StreamEvent(string Name, Type Data)
{
    /// <summary>Returns the event that a name and a type describe.</summary>
    public static implicit operator StreamEvent((string Name, Type Data) described) =>
        new(described.Name, described.Data);
}
