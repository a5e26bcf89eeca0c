using Streaming.Endpoints;

namespace StreamApi.OpenApi;

/// <summary>Describes the events that every stream may send by itself.</summary>
internal static class ControlEvents
{
    /// <summary>Sent by a resumed stream whose last id cannot be honoured.</summary>
    public static StreamEvent Resync { get; } = new("resync", typeof(ResyncData));

    internal sealed record ResyncData(string Reason, string? Requested, string ResumedFrom);
}
