namespace AspireSse.Server;

/// <summary>A valid ticket that a request carries instead of its caller's credential.</summary>
/// <remarks>Needed only by an application with an <see cref="IStreamAccess"/> of its own, which reads tickets by
/// <see cref="TicketReader"/>.</remarks>
/// <param name="Id">Names the ticket: it is for one stream at a time.</param>
/// <param name="User">The name of the caller that asked for it (<see cref="StreamCaller.User"/>).</param>
/// <param name="Key">Names the key behind the caller's credential (<see cref="StreamCaller.Key"/>).</param>
/// <param name="Topics">Topics and patterns that the ticket may read.</param>
/// <param name="Until">Its end.</param>
public sealed record SseTicket(Guid Id, string? User, string? Key, IReadOnlyList<string> Topics, DateTimeOffset Until)
{
    /// <summary>The topics as grants; a ticket publishes nothing.</summary>
    public TopicGrants Grants { get; } = new(Topics, []);

    /// <summary>The caller's claims in an application with policies, or null in another application.</summary>
    internal byte[]? Principal { get; init; }
}
