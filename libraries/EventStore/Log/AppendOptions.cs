namespace AspireSse;

/// <summary>Options of an append.</summary>
/// <remarks>Needed to share the log among several publishers.</remarks>
public sealed record AppendOptions
{
    /// <summary>The publisher's name, such as that of a user, or null for the first event's topic. Publishers share the
    /// log by bytes: a small append does not wait behind many appends of another one. It is stored nowhere.</summary>
    public string? Publisher { get; init; }
}
