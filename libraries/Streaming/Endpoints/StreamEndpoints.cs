using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Npgsql;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Opening;
using Streaming.Requests;

namespace Streaming.Endpoints;

/// <summary>Maps stream endpoints, reads their queries and bodies, and answers invalid requests.</summary>
internal static class StreamEndpoints
{
    /// <summary>
    /// Maps a stream at GET with a query, and at POST and QUERY with the same names in a JSON object. It disables the
    /// HTTP metrics, because a stream's length is no latency. While the store is away, a resuming client is put off.
    /// </summary>
    public static RouteHandlerBuilder MapStream(
        this IEndpointRouteBuilder app,
        [StringSyntax("Route")] string pattern,
        Delegate handler
    ) =>
        app.MapMethods(pattern, ["GET", "POST", "QUERY"], handler)
            .DisableHttpMetrics()
            .LimitedAsStream()
            .RefusesInvalid()
            .AddEndpointFilter(
                async (invocation, next) =>
                {
                    var context = invocation.HttpContext;
                    await context.TakeBodyAsync();
                    try
                    {
                        return await next(invocation);
                    }
                    catch (Exception e) when (IsOutage(e) && !context.Response.HasStarted && IsResume(context.Request))
                    {
                        var options = context.RequestServices.GetRequiredService<IOptions<StreamingOptions>>();
                        await StreamAdmission.PutOffAsync(
                            context,
                            options.Value,
                            "the store does not answer, come back"
                        );
                        return Results.Empty;
                    }
                }
            );

    private static bool IsResume(HttpRequest request) => LastEventId.Of(request).Id is not null;

    /// <summary>Returns true if the store does not answer. Entity Framework wraps the driver's exceptions.</summary>
    private static bool IsOutage(Exception e) =>
        e is StoreUnavailableException or TimeoutException or NpgsqlException { IsTransient: true }
        || (e.InnerException is { } inner && IsOutage(inner));

    /// <summary>
    /// Copies the members of a body into the query, where the endpoint looks for them. Members replace query values,
    /// except those in <paramref name="lists"/>, which are appended; a GET body has no meaning (RFC 9110 §9.3.1).
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="lists">Members that are lists of text, with the query name that each value is appended to.</param>
    /// <exception cref="InvalidRequestException">The body is not a JSON object, or a member has no query
    /// equivalent.</exception>
    public static async Task TakeBodyAsync(this HttpContext context, Dictionary<string, string>? lists = null)
    {
        var request = context.Request;
        if (HttpMethods.IsGet(request.Method) || !JsonBody.IsThere(context))
            return;
        var texts = (context.GetEndpoint()?.Metadata.GetOrderedMetadata<QueryParameter>() ?? [])
            .Where(p => p.IsText)
            .Select(p => p.Name)
            .Concat(lists is null ? [] : lists.Keys)
            .Concat(Texts)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        request.Query = Merged(request.Query, await JsonBody.ReadAsync(context), lists, texts);
    }

    /// <summary>Answers an <see cref="InvalidRequestException"/> with problem details that name the field.</summary>
    public static RouteHandlerBuilder RefusesInvalid(this RouteHandlerBuilder endpoint) =>
        endpoint.AddEndpointFilter(
            async (invocation, next) =>
            {
                try
                {
                    return await next(invocation);
                }
                catch (InvalidRequestException e)
                {
                    return e.ToResult();
                }
            }
        );

    /// <summary>Returns one query value, or null if it is missing or empty.</summary>
    public static string? Text(this IQueryCollection query, string name, int maxLength)
    {
        var values = query[name];
        if (values.Count > 1)
            throw new InvalidRequestException(name, "is given more than once.");
        return values.ToString() is { Length: > 0 } text ? JsonBody.Checked(name, text, maxLength) : null;
    }

    public static string RequiredText(this IQueryCollection query, string name, int maxLength) =>
        query.Text(name, maxLength) ?? throw new InvalidRequestException(name, "is required.");

    /// <summary>Returns true, false, or null if the value is missing.</summary>
    public static bool? Flag(this IQueryCollection query, string name) =>
        query[name].ToString() switch
        {
            "" => null,
            "true" => true,
            "false" => false,
            _ => throw new InvalidRequestException(name, "must be true or false."),
        };

    /// <summary>Returns true if a client without an id starts at the oldest event.</summary>
    public static bool FromEarliest(this IQueryCollection query) =>
        query["from"].ToString() switch
        {
            "" or "head" => false,
            "earliest" => true,
            _ => throw new InvalidRequestException("from", "must be earliest or head."),
        };

    /// <summary>
    /// Creates the stream request that the query describes: its start, and the policy for a slow client.
    /// </summary>
    public static StreamRequest Subscription(this HttpContext context, StreamFilter filter, Greeting? greeting = null)
    {
        var query = context.Request.Query;
        var slow =
            SlowReaders.Parse(query["slow"])
            ?? throw new InvalidRequestException("slow", "must be catch-up, latest or disconnect.");
        return new StreamRequest(
            filter,
            LastEventId.Of(context.Request),
            query.FromEarliest(),
            Slow: slow,
            Greeting: greeting
        );
    }

    private static QueryCollection Merged(
        IQueryCollection query,
        JsonElement body,
        Dictionary<string, string>? lists,
        HashSet<string> texts
    )
    {
        var merged = query.ToDictionary(q => q.Key, q => q.Value, StringComparer.OrdinalIgnoreCase);
        foreach (var member in body.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null)
                continue;
            var isText = texts.Contains(member.Name);
            var isList = member.Value.ValueKind == JsonValueKind.Array;
            var values = isList
                ? new StringValues([.. member.Value.EnumerateArray().Select(v => Scalar(member.Name, v, isText))])
                : default;
            if (lists?.GetValueOrDefault(member.Name) is { } repeated)
                merged[repeated] = isList
                    ? StringValues.Concat(merged.GetValueOrDefault(repeated), values)
                    : throw new InvalidRequestException(member.Name, "must be a list.");
            else
                merged[member.Name] = isList ? values : Scalar(member.Name, member.Value, isText);
        }
        return new QueryCollection(merged);
    }

    /// <summary>
    /// Members of every stream that must be text; an endpoint declares its own (<see cref="QueryParameter.IsText"/>).
    /// Others may be any scalar, unknown members too.
    /// </summary>
    private static readonly string[] Texts = ["from", "slow"];

    private static string Scalar(string name, JsonElement value, bool isText)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => value.GetString()!,
                _ when isText => throw new InvalidRequestException(name, "must be text."),
                JsonValueKind.Number => value.GetRawText(),
                JsonValueKind.True => "true",
                JsonValueKind.False => "false",
                _ => throw new InvalidRequestException(
                    name,
                    "must be text, a number, true, false, or a list of those."
                ),
            };
        }
        catch (InvalidOperationException)
        {
            throw new InvalidRequestException(name, "has an unpaired surrogate, which UTF-8 cannot encode.");
        }
    }
}
