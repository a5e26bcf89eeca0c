using System.Text.Json.Serialization;

namespace Streaming.Tickets;

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

internal sealed record TicketIssued(string Ticket, DateTimeOffset ExpiresAt);

/// <summary>Writes tickets without reflection.</summary>
[JsonSerializable(typeof(Ticket))]
[JsonSerializable(typeof(TicketIssued))]
internal sealed partial class TicketJson : JsonSerializerContext
{
    /// <summary>Leaves text readable, whatever the application's JSON is.</summary>
    public static TicketJson Readable { get; } = new(new(ReadableJsonEncoder.Web));
}
