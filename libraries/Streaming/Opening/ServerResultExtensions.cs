using Streaming.Opening;

namespace AspireSse.Server;

/// <summary>Results of a host that bounds what its callers cost.</summary>
/// <remarks>Needed only by a host that refuses streams itself, or answers with values of megabytes.</remarks>
public static class ServerResultExtensions
{
    extension(TypedResults)
    {
        /// <summary>Answers with a stream that only tells a reconnection time and why, for a client that resumes and
        /// should come later: 429 or 503 would stop an <c>EventSource</c> (HTML Living Standard §9.2.3).</summary>
        /// <param name="why">A comment, without line breaks.</param>
        public static IResult Reconnect(string why) => new ReconnectResult(why);

        /// <summary>Answers with a large value as JSON, which counts against the memory that its client may hold until
        /// the client has taken it.</summary>
        public static IResult HeldJson<T>(HttpContext context, T value) =>
            Streaming.Requests.HeldJson.Ok(context, value);
    }
}
