using System.Text.Json;
using Microsoft.Extensions.Options;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Requests;

namespace StreamApi.Security.Tickets;

/// <summary>
/// <c>POST /v1/stream-tickets</c> <c>{"topics":[…],"expiresIn"?}</c> returns <c>{"ticket","expiresAt"}</c>.
/// </summary>
internal static class TicketsApi
{
    private const int DefaultSeconds = 3_600,
        MaxSeconds = 86_400;

    /// <summary>Maximum length of a ticket, which is part of a URL: Kestrel accepts 8 kB.</summary>
    private const int MaxLength = 4_096;

    public static void MapTickets(this IEndpointRouteBuilder app) =>
        app.MapPost("/v1/stream-tickets", IssueAsync)
            .ChecksTopics()
            .CountedAs(RequestKind.Publish)
            .RefusesInvalid()
            .Takes<TicketRequest>()
            .Produces<TicketIssued>()
            .WithTags("Events")
            .WithSummary(
                "Issues a ticket for ?ticket=, for clients that cannot send headers. "
                    + "It reads these topics in one connection at a time until it expires."
            );

    private static async Task<IResult> IssueAsync(
        HttpContext context,
        StreamTickets tickets,
        IOptions<SecurityOptions> options,
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
        // A ticket ends with the credential that requested it; otherwise a token of minutes would buy a day.
        var until = clock.GetUtcNow().AddSeconds(seconds);
        if (caller.Until < until)
            until = caller.Until.Value;
        var ticket = await tickets.IssueAsync(caller, topics, until, context.RequestAborted);
        if (ticket.Length > MaxLength)
            throw new InvalidRequestException(
                "topics",
                "are too long for a ticket, which is part of a URL. Use patterns."
            );
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new TicketIssued(ticket, until));
    }

    private static string[] Topics(JsonElement body, SecurityOptions security)
    {
        if (
            !body.TryGetProperty("topics", out var value)
            || value.ValueKind != JsonValueKind.Array
            || value.GetArrayLength() == 0
        )
            throw new InvalidRequestException("topics", "must be a list of one or more topics or patterns.");
        if (value.GetArrayLength() > security.MaxTicketTopics)
            throw new InvalidRequestException("topics", $"has more than {security.MaxTicketTopics} entries.");
        var topics = new List<string>();
        foreach (var one in value.EnumerateArray())
        {
            if (one.ValueKind != JsonValueKind.String)
                throw new InvalidRequestException("topics", "must be a list of strings.");
            string topic;
            try
            {
                topic = one.GetString()!;
            }
            catch (InvalidOperationException)
            {
                throw new InvalidRequestException("topics", "has an unpaired surrogate, which is not valid UTF-8.");
            }
            topics.Add(
                TopicGrants.IsGrant(topic)
                    ? topic
                    : throw new InvalidRequestException("topics", "has an entry that is neither a topic nor a pattern.")
            );
        }
        return [.. topics.Distinct(StringComparer.Ordinal)];
    }

    private sealed record TicketRequest(IReadOnlyList<string> Topics, int? ExpiresIn);

    private sealed record TicketIssued(string Ticket, DateTimeOffset ExpiresAt);
}
