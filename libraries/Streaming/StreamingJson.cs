using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;
using Streaming.Frames;
using Streaming.Tickets;

namespace Streaming;

/// <summary>Writes the types of streams as JSON without reflection.</summary>
[JsonSerializable(typeof(ControlFrames.Start))]
[JsonSerializable(typeof(ControlFrames.Outage))]
[JsonSerializable(typeof(ControlFrames.Refused))]
[JsonSerializable(typeof(ControlFrames.Gap))]
[JsonSerializable(typeof(ControlFrames.RightEnd))]
[JsonSerializable(typeof(Ticket))]
[JsonSerializable(typeof(TicketIssued))]
[JsonSerializable(typeof(IAsyncEnumerable<SseConnection>))]
[JsonSerializable(typeof(object))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class StreamingJson : JsonSerializerContext
{
    /// <summary>The context for frames and answers, which do not depend on the application's JSON.</summary>
    public static StreamingJson Readable { get; } = new(new(ReadableJsonEncoder.Web));
}
