using Streaming.Tickets;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Tickets for clients that can send no header, such as <c>EventSource</c>.</summary>
public static class SseTicketExtensions
{
    /// <summary>Maps a POST of <c>{"topics":[…],"expiresIn"?}</c>, which answers an authenticated caller with
    /// <c>{"ticket","expiresAt"}</c> for <c>?ticket=</c>.</summary>
    /// <remarks>A ticket opens streams of its topics for its user, with the claims of its issue, under the stream's own
    /// policy, which must ask for the same schemes. It is for one connection at a time, and ends after
    /// <c>expiresIn</c> seconds (3,600; at most 86,400) or with the credential that bought it.</remarks>
    public static RouteHandlerBuilder MapSseTickets(
        this IEndpointRouteBuilder app,
        string pattern = "/stream-tickets"
    ) => app.MapTickets(pattern);
}
