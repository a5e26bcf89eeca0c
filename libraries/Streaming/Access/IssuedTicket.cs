namespace Streaming.Access;

/// <summary>A valid ticket that a request carries instead of its caller's credential.</summary>
/// <param name="Id">The ticket's session: one stream at a time.</param>
/// <param name="Topics">Topics and patterns that the ticket may read.</param>
internal sealed record IssuedTicket(Guid Id, TicketHolder Holder, IReadOnlyList<string> Topics, DateTimeOffset Until)
{
    public TopicGrants Grants { get; } = new(Topics, []);
}

/// <summary>A caller, as its tickets keep it.</summary>
/// <param name="User">Name of the caller; null: it needs none, or its claims have it.</param>
/// <param name="Until">End of the caller's credential, and so of its tickets; null: none.</param>
/// <param name="Key">Fingerprint of the key behind the credential; null: none.</param>
/// <param name="Principal">The caller's claims, where policies ask for them; null: none.</param>
internal sealed record TicketHolder(
    string? User,
    DateTimeOffset? Until = null,
    string? Key = null,
    byte[]? Principal = null
);

/// <summary>The ticket of a request, and the session that its stream enters.</summary>
internal sealed record UsedTicket(IssuedTicket Ticket, IStreamSession Session);
