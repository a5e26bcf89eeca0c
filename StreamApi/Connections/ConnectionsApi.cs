using Microsoft.AspNetCore.Http.HttpResults;
using StreamApi.Security;

namespace StreamApi.Connections;

/// <summary><c>/v1/connections</c>: lists, watches and closes the open streams of all replicas.</summary>
internal static class ConnectionsApi
{
    private const string Topic = SystemTopics.Connections;

    private const int DefaultPage = 100,
        MaxPage = 1_000;

    /// <summary>Time in which a replica that does not answer is back, or no longer listed.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    public static void AddConnections(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ConnectionDirectory>();
        builder.Services.AddSingleton<ListingTurns>();
        // Without retries: a listing that misses a replica is marked as partial.
        builder
            .Services.AddHttpClient("replicas")
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { UseProxy = false });
    }

    public static void MapConnections(this IEndpointRouteBuilder app)
    {
        var connections = app.MapGroup("/v1/connections").WithTags("Connections");
        connections
            .MapGet("", ListAsync)
            .Query("filter", "Text that is part of the client, the user or a topic.")
            .Query("sort", "Order of the streams: a member, with - descending.")
            .Query("limit", "Maximum streams of the page.")
            .Query("after", "The `next` of the previous page.")
            .Query("scope", $"{ConnectionDirectory.LocalScope}: only streams of the replica that is asked.")
            .Reads(Topic);
        // A dashboard's key may read and close nothing.
        connections
            .MapDelete("/{id}", CloseAsync)
            .Publishes(Topic)
            .CountedAs(RequestKind.Publish)
            .WithDescription($"Closes a stream. Requires the claim sse.publish for {Topic}.");

        connections
            .MapStream("/stream", Watch)
            .SendsOnce(
                "Streams the open connections of all replicas and their changes.",
                ("snapshot", typeof(Snapshot)),
                ("update", typeof(Update))
            )
            .Query("filter", "Text that is part of the client, the user or a topic.", isText: true)
            .Query("sort", "Order of the rows in each event: a member, with - descending.", isText: true)
            .Reads(Topic);
    }

    private static async Task<IResult> ListAsync(
        HttpContext context,
        ConnectionDirectory directory,
        ListingTurns turns,
        CancellationToken cancellationToken
    )
    {
        var query = context.Request.Query;
        var order = OrderOf(query.Text("sort", TopicPattern.MaxLength));
        var filter = query.Filter("filter", TopicPattern.MaxLength);
        var after = query["after"].ToString();
        var limit = query.PageLimit(DefaultPage, MaxPage);

        // No bytes count as held for a replica: all replicas are one client, and its limit would hide streams. It reads
        // at once, while the rows are made.
        if (query["scope"] == ConnectionDirectory.LocalScope && Caller.Of(context).User == Caller.Replica)
            return TypedResults.Ok(new PacedPage(directory.LocalAsync()));

        var listing = await directory.ListAsync(cancellationToken);
        using var turn = await turns.Gate.EnterAsync(
            Caller.KeyOf(context).Person,
            Timeout.InfiniteTimeSpan,
            cancellationToken
        );

        var rows = listing.With(filter, order);
        var start = 0;
        if (after.Length > 0 && (start = rows.TakeWhile(r => r.Id != after).Count() + 1) > rows.Count)
            return InvalidRequestException.ProblemOf(
                "after",
                "is not an open connection of this listing. Start from the first page."
            );

        var page = rows.Skip(start).Take(limit).ToList();
        return TypedResults.HeldJson(
            context,
            new ConnectionPage(
                page,
                start + page.Count < rows.Count ? page[^1].Id : null,
                listing.IsPartial ? true : null
            )
        );
    }

    private static async Task<IResult> CloseAsync(
        string id,
        string? scope,
        ConnectionDirectory directory,
        HttpContext context
    )
    {
        var closed = await directory.CloseAsync(id, scope == ConnectionDirectory.LocalScope, context.RequestAborted);
        if (closed is null)
            context.SetRetryAfter(RetryAfter);

        return closed switch
        {
            true => TypedResults.NoContent(),
            false => TypedResults.Problem(
                statusCode: StatusCodes.Status404NotFound,
                title: "Connection not found",
                detail: $"No open stream has the id {id}."
            ),
            null => TypedResults.Problem(
                statusCode: StatusCodes.Status503ServiceUnavailable,
                title: "Replica unavailable",
                detail: "The connection may be on a replica that does not answer. Try again."
            ),
        };
    }

    private static EventStreamResult Watch(
        HttpContext context,
        ConnectionDirectory directory,
        ListingTurns turns,
        TimeProvider clock
    )
    {
        var query = context.Request.Query;
        var order = query.Text("sort", TopicPattern.MaxLength) is { } sort ? OrderOf(sort) : null;
        var watch = new ConnectionWatch(
            directory,
            turns.Gate,
            Caller.KeyOf(context).Person,
            query.Filter("filter", TopicPattern.MaxLength),
            order,
            clock
        );

        return TypedResults.EventStream(watch.ReadAsync(), retry: null, comment: null, [Topic]);
    }

    private static ConnectionOrder OrderOf(string? sort) =>
        ConnectionOrder.Parse(sort)
        ?? throw new InvalidRequestException(
            "sort",
            $"must be one of {ConnectionOrder.Names}, prefixed with - for descending order."
        );

    /// <summary>A <see cref="ConnectionPage"/> that is encoded while its rows are read.</summary>
    private sealed record PacedPage(IAsyncEnumerable<SseConnection> Connections);

    private sealed record Snapshot(IReadOnlyList<SseConnection> Connections, bool Partial);

    private sealed record Update(IReadOnlyList<SseConnection> Upserted, IReadOnlyList<string> Removed, bool Partial);
}
