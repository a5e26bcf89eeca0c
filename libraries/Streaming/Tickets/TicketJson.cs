using System.Text.Json.Serialization;

namespace Streaming.Tickets;

/// <summary>Writes tickets without reflection.</summary>
[JsonSerializable(typeof(Ticket))]
[JsonSerializable(typeof(TicketIssued))]
internal sealed partial class TicketJson : JsonSerializerContext
{
    /// <summary>Leaves text readable, whatever the application's JSON is.</summary>
    public static TicketJson Readable { get; } = new(new(ReadableJsonEncoder.Web));
}
