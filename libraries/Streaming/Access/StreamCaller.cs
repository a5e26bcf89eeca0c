namespace AspireSse.Server;

/// <summary>A caller in the form that its streams and tickets keep.</summary>
/// <remarks>Needed by an application's own <see cref="IStreamAccess"/>, which returns it.</remarks>
public sealed record StreamCaller
{
    /// <summary>Its name in its tickets (<see cref="SseTicket.User"/>), or null if it needs none.</summary>
    public string? User { get; init; }

    /// <summary>Names the key behind its credential in its tickets (<see cref="SseTicket.Key"/>), so that the tickets
    /// end with the key. Null if there is no key.</summary>
    public string? Key { get; init; }

    /// <summary>The end of its credential, and so of its streams and its tickets, or null if there is none.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The time before <see cref="Until"/> at which a stream notifies its client. A stream that begins later
    /// than twice this time before the end sends no notice.</summary>
    public TimeSpan Notice { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The id of the ticket that it sent (<see cref="SseTicket.Id"/>): a new stream of a ticket replaces the
    /// former one, on every process of the application. Null if there is none.</summary>
    public Guid? Ticket { get; init; }

    /// <summary>True if its credential may be withdrawn before its end, which bounds the age of its streams
    /// (<see cref="SseOptions.MaxAgeSeconds"/>).</summary>
    public bool IsSignedIn { get; init; }
}
