using System.Net;

namespace AspireSse.Client.Publishing;

/// <summary>
/// Thrown for events that were not acknowledged. After a 4xx status (except 408, 425 and 429) the server has refused
/// them; otherwise their state is unknown, and publishing the same instances again resolves it.
/// </summary>
public sealed class PublishException : Exception
{
    internal PublishException(
        string message,
        Exception? inner,
        HttpStatusCode? status = null,
        ProblemDetails? problem = null
    )
        : base(message, inner)
    {
        StatusCode = status;
        Problem = problem;
    }

    /// <summary>The server's status, or null without a response.</summary>
    public HttpStatusCode? StatusCode { get; }

    /// <summary>The server's problem details (RFC 9457), or null if it sent none.</summary>
    public ProblemDetails? Problem { get; }

    /// <summary>
    /// Number of events of a published stream, from its first, that were acknowledged or stored; 0 for other calls.
    /// </summary>
    public long Accepted { get; internal set; }
}
