using Streaming.Tickets;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Tickets for clients that can send no header, such as <c>EventSource</c>.</summary>
/// <remarks>Needed by an application whose clients read protected streams by <c>EventSource</c>, with a token instead
/// of a cookie.</remarks>
public static class SseTicketExtensions
{
    /// <summary>Maps a POST of <c>{"topics":[…],"expiresIn"?}</c>, which answers an authenticated caller with
    /// <c>{"ticket","expiresAt"}</c> for <c>?ticket=</c>.</summary>
    /// <remarks>A ticket opens streams of its topics for its user, with the claims that the user had at its issue. The
    /// stream's own policy applies, and must ask for the same schemes. A ticket is for one connection at a time, and
    /// ends after <c>expiresIn</c> seconds (3,600; at most 86,400) or with the credential that bought it.</remarks>
    public static RouteHandlerBuilder MapSseTickets(
        this IEndpointRouteBuilder app,
        string pattern = "/stream-tickets"
    ) => app.MapTickets(pattern);
}
