using System.Text.Json.Serialization;
using Streaming.Access;

namespace Streaming.Tickets;

/// <summary>
/// Issues and checks tickets (<c>?ticket=</c>), because <c>EventSource</c> can send no header. A ticket is encrypted,
/// not stored, so any replica accepts it even while Postgres is down; it grants some topics until a time, to one
/// connection (<see cref="OneStreamPerTicket"/>).
/// </summary>
internal sealed class TicketIssuer(SharedSecret secret, TimeProvider clock)
{
    private const string Purpose = "stream ticket";

    /// <summary>Content of a ticket; names are short because it is part of a URL. A ticket of an earlier version has no
    /// key (<c>K</c>).</summary>
    internal sealed record Ticket(
        Guid I,
        string? U,
        string[] T,
        long E,
        string? K = null,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] byte[]? P = null
    );

    public ValueTask<string> IssueAsync(
        TicketHolder holder,
        string[] topics,
        DateTimeOffset until,
        CancellationToken cancellationToken
    ) =>
        secret.SealAsync(
            Purpose,
            new Ticket(
                Guid.NewGuid(),
                holder.User,
                topics,
                until.ToUnixTimeMilliseconds(),
                holder.Key,
                holder.Principal
            ),
            StreamingJson.Default.Ticket,
            cancellationToken
        );

    /// <exception cref="InvalidCredentialException">The ticket is invalid or has expired.</exception>
    public async ValueTask<IssuedTicket> VerifyAsync(string text, CancellationToken cancellationToken)
    {
        if (await secret.OpenAsync(Purpose, text, StreamingJson.Default.Ticket, cancellationToken) is not { } ticket)
            throw new InvalidCredentialException("The ticket is not valid.");

        var until = DateTimeOffset.FromUnixTimeMilliseconds(ticket.E);
        if (until <= clock.GetUtcNow())
            throw new InvalidCredentialException("The ticket has expired.");

        var holder = new TicketHolder(ticket.U, until, ticket.K, ticket.P);
        return new IssuedTicket(ticket.I, holder, ticket.T, until);
    }
}
