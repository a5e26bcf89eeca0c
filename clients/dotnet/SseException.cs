using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AspireSse.Client;

/// <summary>Why a stream is over for good, or (in <see cref="SseReconnect.Reason"/>) why a connection is.</summary>
public enum SseError
{
    /// <summary>The server refused it with a status that a repeat would not change.</summary>
    Rejected,

    /// <summary>The answer is no <c>text/event-stream</c>.</summary>
    WrongContentType,

    /// <summary>The server cannot now: 408, 429 or 5xx.</summary>
    Unavailable,

    /// <summary>No byte for <see cref="SseOptions.IdleTimeout"/>.</summary>
    Silent,

    /// <summary>The connection could not be made, or broke.</summary>
    Disconnected,

    /// <summary><see cref="SseOptions.MaxRetries"/> reconnects in a row brought no event.</summary>
    RetriesExhausted,

    /// <summary>An event is larger than <see cref="SseOptions.MaxEventBytes"/>.</summary>
    EventTooLarge,
}

/// <summary>A stream that could not be opened or went wrong.</summary>
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

    /// <summary>What kind of end this is.</summary>
    public SseError Error { get; }

    /// <summary>The server's status, where it answered.</summary>
    public HttpStatusCode? StatusCode { get; }

    /// <summary>The server's own words (RFC 9457), where it had any.</summary>
    public ProblemDetails? Problem { get; }
}

/// <summary>An error as the server describes it: <c>application/problem+json</c> (RFC 9457).</summary>
/// <param name="Type">What kind of problem, as a URI.</param>
/// <param name="Title">That kind in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">This occurrence in words.</param>
/// <param name="Instance">This occurrence as a URI.</param>
public sealed record ProblemDetails(string? Type, string? Title, int? Status, string? Detail, string? Instance)
{
    /// <summary>What else the server says, such as <c>errors</c> by field or the <c>line</c>.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Extensions { get; set; }
}
