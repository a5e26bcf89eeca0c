using System.Text.Json;
using Streaming.Access;
using Streaming.Endpoints;

namespace Streaming.Tickets;

/// <summary>Issues a ticket: a POST of <c>{"topics":[…],"expiresIn"?}</c> returns
/// <c>{"ticket","expiresAt"}</c>.</summary>
internal static class TicketsApi
{
    /// <summary>Maximum topics and patterns of one ticket.</summary>
    private const int MaxTopics = 100;

    private const int DefaultSeconds = 3_600,
        MaxSeconds = 86_400;

    /// <summary>Maximum length of a ticket, which is part of a URL: Kestrel accepts 8 kB.</summary>
    private const int MaxLength = 4_096;

    /// <exception cref="InvalidOperationException">The application has no log in Postgres, which tickets
    /// need.</exception>
    public static RouteHandlerBuilder MapTickets(this IEndpointRouteBuilder app, string pattern)
    {
        if (app.ServiceProvider.GetService<TicketReader>() is null)
            throw new InvalidOperationException(
                "Tickets need a log in Postgres: call AddEventStore(…) and AddSse(), and map no tickets without them."
            );

        return app.MapPost(
                pattern,
                (
                    HttpContext context,
                    TicketReader tickets,
                    IStreamAccess access,
                    OwnerAccess owners,
                    TimeProvider clock
                ) => IssueAsync(context, tickets, access, owners, clock)
            )
            .RequireAuthorization()
            .RefusesCrossSite()
            .WithMetadata(new IssuesTickets())
            .RefusesErrors()
            .Takes<TicketRequest>()
            .Produces<TicketIssued>()
            .WithSummary(
                "Issues a ticket for ?ticket=, for clients that cannot send headers. "
                    + "It reads these topics in one connection at a time until it expires."
            );
    }

    private static async Task<IResult> IssueAsync(
        HttpContext context,
        TicketReader tickets,
        IStreamAccess access,
        OwnerAccess owners,
        TimeProvider clock
    )
    {
        var body = await JsonBody.ReadAsync(context);
        // A misspelt expiry would silently become an hour.
        body.CheckMembers("topics", "expiresIn");
        var topics = Topics(body);
        var seconds = body.Whole("expiresIn", 1, MaxSeconds) ?? DefaultSeconds;

        if (topics.FirstOrDefault(t => !access.MayRead(context, t)) is { } forbidden)
            throw new InvalidRequestException(
                "topics",
                $"you may not read '{forbidden}'.",
                StatusCodes.Status403Forbidden
            );

        // A ticket ends with the credential that requested it; otherwise a token of minutes would buy a day.
        var until = clock.GetUtcNow().AddSeconds(seconds);
        var holder = owners.HolderOf(context);
        if (holder.Until < until)
            until = holder.Until.Value;

        var ticket = await tickets.IssueAsync(holder, topics, until, context.RequestAborted);
        if (ticket.Length > MaxLength)
            throw new InvalidRequestException(
                "topics",
                holder.Principal is null
                    ? "are too long for a ticket, which is part of a URL. Use patterns."
                    : "and your claims are too long for a ticket, part of a URL. Use patterns, or fewer claims."
            );

        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Json(new TicketIssued(ticket, until), TicketJson.Readable.TicketIssued);
    }

    private static string[] Topics(JsonElement body)
    {
        if (
            !body.TryGetProperty("topics", out var value)
            || value.ValueKind != JsonValueKind.Array
            || value.GetArrayLength() == 0
        )
            throw new InvalidRequestException("topics", "must be a list of one or more topics or patterns.");
        if (value.GetArrayLength() > MaxTopics)
            throw new InvalidRequestException("topics", $"has more than {MaxTopics} entries.");

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
}

/// <summary>Marks the endpoint that issues tickets.</summary>
internal sealed record IssuesTickets : ApiEndpoint;
