using System.Text.Json;
using Microsoft.Extensions.Options;
using StreamApi.Events;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Requests;

namespace StreamApi.Security.Tickets;

/// <summary><c>POST /v1/stream-tickets</c>: <c>{"topics":[…],"expiresIn"?}</c> to
/// <c>{"ticket","expiresAt"}</c>.</summary>
internal static class TicketsApi
{
    private const int DefaultSeconds = 3_600,
        MaxSeconds = 86_400;

    /// <summary>A ticket must fit into a URL beside the rest: Kestrel takes 8 kB.</summary>
    private const int MaxLength = 4_096;

    public static void MapTickets(this IEndpointRouteBuilder app) =>
        app.MapPost("/v1/stream-tickets", IssueAsync)
            .ChecksTopics()
            .LimitedAsPublish()
            .RefusesInvalid()
            .Takes<TicketRequest>()
            .Produces<TicketIssued>()
            .WithTags("Events")
            .WithSummary(
                "A ticket for ?ticket=, for clients that cannot send headers: it reads these topics, in one connection at a time, until it expires."
            );

    private static async Task<IResult> IssueAsync(
        HttpContext context,
        StreamTickets tickets,
        IOptions<EventsOptions> options,
        TimeProvider clock
    )
    {
        var body = await JsonBody.ReadAsync(context);
        var topics = Topics(body, options.Value);
        var seconds = body.Whole("expiresIn", 1, MaxSeconds) ?? DefaultSeconds;
        var caller = Caller.Of(context);
        if (topics.FirstOrDefault(t => !caller.Grants.MayRead(t)) is { } forbidden)
            throw new InvalidRequestException(
                "topics",
                $"you may not read '{forbidden}'.",
                StatusCodes.Status403Forbidden
            );
        // It ends with what it was got by: or a token of minutes would buy a day.
        var until = clock.GetUtcNow().AddSeconds(seconds);
        if (caller.Until < until)
            until = caller.Until.Value;
        var ticket = await tickets.IssueAsync(caller.User, topics, until, context.RequestAborted);
        if (ticket.Length > MaxLength)
            throw new InvalidRequestException(
                "topics",
                "are too many for a ticket, which is part of a URL; use patterns."
            );
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new TicketIssued(ticket, until));
    }

    private static string[] Topics(JsonElement body, EventsOptions limits)
    {
        if (
            !body.TryGetProperty("topics", out var value)
            || value.ValueKind != JsonValueKind.Array
            || value.GetArrayLength() == 0
        )
            throw new InvalidRequestException("topics", "is a list of one topic or pattern, or more.");
        if (value.GetArrayLength() > limits.MaxFilters)
            throw new InvalidRequestException("topics", $"at most {limits.MaxFilters} at once.");
        var topics = new List<string>();
        foreach (var one in value.EnumerateArray())
        {
            if (one.ValueKind != JsonValueKind.String)
                throw new InvalidRequestException("topics", "is a list of strings.");
            string topic;
            try
            {
                topic = one.GetString()!;
            }
            catch (InvalidOperationException)
            {
                throw new InvalidRequestException("topics", "has half of a surrogate pair, which is no UTF-8.");
            }
            topics.Add(
                TopicGrants.IsGrant(topic)
                    ? topic
                    : throw new InvalidRequestException("topics", "holds what is no topic or pattern.")
            );
        }
        return [.. topics.Distinct(StringComparer.Ordinal)];
    }

    private sealed record TicketRequest(IReadOnlyList<string> Topics, int? ExpiresIn);

    private sealed record TicketIssued(string Ticket, DateTimeOffset ExpiresAt);
}
