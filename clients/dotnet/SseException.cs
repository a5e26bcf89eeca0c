using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AspireSse.Client;

/// <summary>The reason that a stream has failed, or (in <see cref="SseReconnect.Reason"/>) a connection.</summary>
public enum SseError
{
    /// <summary>The server refused the request with a status that a retry would not change, or a header of it cannot be
    /// sent.</summary>
    Rejected,

    /// <summary>The response is not <c>text/event-stream</c>.</summary>
    WrongContentType,

    /// <summary>The server is temporarily unavailable: 408, 425, 429 or 5xx.</summary>
    Unavailable,

    /// <summary>No byte arrived within <see cref="SseClientOptions.IdleTimeout"/>.</summary>
    Silent,

    /// <summary>The connection could not be made, or broke, or a function of the request failed.</summary>
    Disconnected,

    /// <summary><see cref="SseClientOptions.MaxRetries"/> reconnections in a row delivered no event.</summary>
    RetriesExhausted,

    /// <summary>An event exceeds <see cref="SseClientOptions.MaxEventBytes"/>.</summary>
    EventTooLarge,
}

/// <summary>Thrown when a stream cannot be opened or has failed.</summary>
public sealed class SseException : Exception
{
    internal SseException(
        SseError error,
        string message,
        Exception? inner = null,
        HttpStatusCode? status = null,
        ProblemDetails? problem = null
    )
        : base(message, inner)
    {
        Error = error;
        StatusCode = status;
        Problem = problem;
    }

    /// <summary>The kind of failure.</summary>
    public SseError Error { get; }

    /// <summary>The server's status, or null without a response.</summary>
    public HttpStatusCode? StatusCode { get; }

    /// <summary>The server's problem details (RFC 9457), or null if it sent none.</summary>
    public ProblemDetails? Problem { get; }
}

/// <summary>An error in the format <c>application/problem+json</c> (RFC 9457).</summary>
/// <param name="Type">URI of the problem type.</param>
/// <param name="Title">Short description of the problem type.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Detail">Description of this occurrence.</param>
/// <param name="Instance">URI of this occurrence.</param>
public sealed record ProblemDetails(string? Type, string? Title, int? Status, string? Detail, string? Instance)
{
    /// <summary>Further members, such as <c>errors</c> by field or <c>line</c>.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Extensions { get; set; }
}
