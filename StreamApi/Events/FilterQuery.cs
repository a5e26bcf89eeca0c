using StreamApi.Security;

namespace StreamApi.Events;

/// <summary>Parses the filter of a subscription or history request: <c>topic</c>, <c>type</c> and <c>key</c>, or
/// <c>topics</c>, <c>types</c> and <c>keys</c>, each repeatable.</summary>
internal static class FilterQuery
{
    /// <summary>Maximum topics, types or keys of one filter.</summary>
    public const int MaxValues = 100;

    /// <summary>Maximum tokens of all topics and patterns of one filter. Each takes some 300 bytes as long as the
    /// subscription is open.</summary>
    private const int MaxTokens = 1_024;

    private static readonly string[] Everything = [">"];

    /// <summary>Reads the filter, and checks that the caller may read its topics. One without topics becomes the
    /// caller's grants, so that deliveries need no check.</summary>
    /// <exception cref="InvalidRequestException">The filter is invalid or not allowed; names the field.</exception>
    public static EventFilter Read(HttpContext context)
    {
        var asked = Read(context.Request.Query);
        return new(Allowed(context, asked.Topics), NoneIsAll(asked.Types), NoneIsAll(asked.Keys));
    }

    internal static Asked Read(IQueryCollection query)
    {
        var topics = Values(query, "topic", "topics");
        var types = Values(query, "type", "types");
        var keys = Values(query, "key", "keys");

        foreach (var topic in topics)
        {
            if (topic.AsSpan().Count('.') >= TopicPattern.MaxDepth)
                throw new InvalidRequestException("topic", $"must have at most {TopicPattern.MaxDepth} tokens.");
            if (!TopicGrants.IsGrant(topic))
                throw new InvalidRequestException(
                    "topic",
                    $"'{topic}' is not a topic or pattern: use dot-separated tokens of [A-Za-z0-9_-], "
                        + $"at most {TopicPattern.MaxLength} characters; * matches one token, a final > the rest."
                );
        }

        if (topics.Sum(t => t.AsSpan().Count('.') + 1) > MaxTokens)
            throw new InvalidRequestException(
                "topic",
                $"must have at most {MaxTokens} tokens in all. Use patterns, or several streams."
            );

        if (types.Any(t => t.AsSpan().ContainsAny('\r', '\n')))
            throw new InvalidRequestException("type", "must not contain CR or LF, which no event type contains.");

        return new(topics, types, keys);
    }

    /// <summary>Null, without values, is what a filter of all has.</summary>
    public static IReadOnlyList<string>? NoneIsAll(IReadOnlyList<string> values) => values.Count > 0 ? values : null;

    /// <summary>Checks that the caller may read the topics. If there are none, they become the caller's
    /// grants.</summary>
    public static EventTopic[] Allowed(HttpContext context, string[] topics)
    {
        CheckAllowed(context, topics);
        var grants = Caller.Of(context).Grants;
        IReadOnlyList<string> allowed =
            topics.Length > 0 ? topics
            : grants.ReadsEverything ? Everything
            : grants.Readable.Count > 0 ? grants.Readable
            : throw Forbidden(context, "you may not read any topic. This requires the claim sse.subscribe.");

        return [.. allowed.Select(EventTopic.Reserved)];
    }

    /// <summary>Checks that the caller may read the topics.</summary>
    public static void CheckAllowed(HttpContext context, string[] topics)
    {
        var grants = Caller.Of(context).Grants;
        foreach (var topic in topics)
            if (!grants.MayRead(topic))
                throw Forbidden(context, $"you may not read '{topic}'. This requires the claim sse.subscribe for it.");
    }

    // A ticket is valid only for the topics it names; elsewhere it counts as missing.
    private static InvalidRequestException Forbidden(HttpContext context, string why) =>
        new(
            "topic",
            why,
            Caller.Of(context).Ticket is null ? StatusCodes.Status403Forbidden : StatusCodes.Status401Unauthorized
        );

    /// <summary>Describes the filter of an endpoint.</summary>
    public static RouteHandlerBuilder Filters(this RouteHandlerBuilder endpoint) =>
        endpoint
            .Query(
                "topic",
                "Topic or pattern (* one token, > the rest), repeatable; default: all.",
                isText: true,
                also: "topics"
            )
            .Query(
                "type",
                "Event type, repeatable (type=a&type=b): a comma is part of a type.",
                isText: true,
                also: "types"
            )
            .Query("key", "Event key, repeatable.", isText: true, also: "keys");

    private static string[] Values(IQueryCollection query, string name, string also)
    {
        var values = query.Filters(name, also);
        if (values.Length > MaxValues)
            throw new InvalidRequestException(name, $"must have at most {MaxValues} values.");
        if (values.Any(value => value.Length > NewEvent.MaxNameLength || value.Contains('\0')))
            throw new InvalidRequestException(name, $"must be 1 to {NewEvent.MaxNameLength} characters without NUL.");

        return values;
    }

    /// <summary>The values of a request's filter; none for all.</summary>
    internal readonly record struct Asked(string[] Topics, string[] Types, string[] Keys);
}
