using Streaming.Access;
using Streaming.Tickets;

namespace AspireSse.Server;

/// <summary>
/// Reads tickets (<c>?ticket=</c>), which <see cref="Microsoft.AspNetCore.Builder.SseTicketExtensions.MapSseTickets"/>
/// issues because <c>EventSource</c> can send no header. A ticket is encrypted, not stored, so any replica accepts it
/// even while Postgres is down; it grants some topics until a time, to one connection. Thread-safe.
/// </summary>
/// <remarks>Needed only by an application with an <see cref="IStreamAccess"/> of its own, which reads tickets
/// itself.</remarks>
public sealed class TicketReader
{
    private readonly SharedSecret _secret;
    private readonly TimeProvider _clock;

    internal TicketReader(SharedSecret secret, TimeProvider clock) => (_secret, _clock) = (secret, clock);

    private const string Purpose = "stream ticket";

    internal ValueTask<string> IssueAsync(
        TicketHolder holder,
        string[] topics,
        DateTimeOffset until,
        CancellationToken cancellationToken
    ) =>
        _secret.SealAsync(
            Purpose,
            new Ticket(
                Guid.NewGuid(),
                holder.User,
                topics,
                until.ToUnixTimeMilliseconds(),
                holder.Key,
                holder.Principal
            ),
            TicketJson.Default.Ticket,
            cancellationToken
        );

    /// <summary>Returns the ticket that a text contains.</summary>
    /// <exception cref="InvalidCredentialException">The ticket is invalid or has expired.</exception>
    /// <exception cref="StoreUnavailableException">The key has not been read yet, and Postgres does not
    /// answer.</exception>
    public async ValueTask<SseTicket> ReadAsync(string text, CancellationToken cancellationToken)
    {
        if (await _secret.OpenAsync(Purpose, text, TicketJson.Default.Ticket, cancellationToken) is not { } ticket)
            throw new InvalidCredentialException("The ticket is not valid.");

        var until = DateTimeOffset.FromUnixTimeMilliseconds(ticket.E);
        if (until <= _clock.GetUtcNow())
            throw new InvalidCredentialException("The ticket has expired.");

        return new SseTicket(ticket.I, ticket.U, ticket.K, ticket.T, until) { Principal = ticket.P };
    }
}
