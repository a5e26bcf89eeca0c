using System.Net;

namespace AspireSse.Client.Publishing;

/// <summary>
/// Events that were not acknowledged. With a status of 4xx (but 408 and 429) the server has refused them; otherwise
/// their fate is unknown,
/// and publishing the same instances again settles it.
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

    /// <summary>The server's status, where it answered.</summary>
    public HttpStatusCode? StatusCode { get; }

    /// <summary>The server's own words (RFC 9457), where it had any.</summary>
    public ProblemDetails? Problem { get; }

    /// <summary>
    /// Of a published stream: how many of its events, from its first, were acknowledged or kept; the next one is what
    /// was refused. 0 otherwise.
    /// </summary>
    public long Accepted { get; internal set; }
}
