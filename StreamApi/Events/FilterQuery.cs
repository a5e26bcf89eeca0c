using EventStore;
using Microsoft.Extensions.Primitives;
using StreamApi.Security;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary>
/// Parses the filter of a subscription or history request: <c>topic</c>, <c>type</c> and <c>key</c>, each repeatable.
/// </summary>
internal static class FilterQuery
{
    /// <summary>Reads the filter; returns a problem that names the field if it is invalid.</summary>
    public static IResult? Read(IQueryCollection query, EventsOptions limits, out EventFilter filter)
    {
        var (topics, types, keys) = (Values(query["topic"]), Values(query["type"]), Values(query["key"]));
        // `?topic=` is probably an unset variable, not a request for everything.
        foreach (var (name, values) in ((string, string[])[])[("topic", topics), ("type", types), ("key", keys)])
            if (values.Contains(""))
            {
                filter = EventFilter.All;
                return InvalidRequestException.ProblemOf(name, "must not be empty; omit it to match all.");
            }
        filter = new EventFilter(topics, types, keys);
        foreach (var topic in topics)
        {
            if (topic.AsSpan().Count('.') >= limits.MaxDepth)
                return InvalidRequestException.ProblemOf("topic", $"must have at most {limits.MaxDepth} tokens.");
            if (!TopicGrants.IsGrant(topic))
                return InvalidRequestException.ProblemOf(
                    "topic",
                    $"'{topic}' is not a topic or pattern: use dot-separated tokens of [A-Za-z0-9_-], "
                        + $"at most {TopicPattern.MaxLength} characters; * matches one token, a final > the rest."
                );
        }
        foreach (var (name, values) in ((string, string[])[])[("topic", topics), ("type", types), ("key", keys)])
            if (values.Length > limits.MaxFilters)
                return InvalidRequestException.ProblemOf(name, $"must have at most {limits.MaxFilters} values.");
            else if (values.Any(v => v is not { Length: > 0 } || v.Length > limits.MaxNameLength || v.Contains('\0')))
                return InvalidRequestException.ProblemOf(
                    name,
                    $"must be 1 to {limits.MaxNameLength} characters without NUL."
                );
        if (topics.Sum(t => t.AsSpan().Count('.') + 1) > limits.MaxFilterTokens)
            return InvalidRequestException.ProblemOf(
                "topic",
                $"must have at most {limits.MaxFilterTokens} tokens in all. Use patterns, or several streams."
            );
        if (types.Any(t => t.AsSpan().ContainsAny('\r', '\n')))
            return InvalidRequestException.ProblemOf(
                "type",
                "must not contain CR or LF, which no event type contains."
            );
        return null;
    }

    /// <summary>
    /// Checks that the caller may read the filter's topics; returns a problem if not. A filter without topics becomes
    /// the caller's grants, so that deliveries need no check.
    /// </summary>
    public static IResult? Authorize(HttpContext context, ref EventFilter filter)
    {
        var caller = Caller.Of(context);
        var grants = caller.Grants;
        foreach (var topic in filter.Topics)
            if (!grants.MayRead(topic))
                return Forbidden($"you may not read '{topic}'. This requires the claim sse.subscribe for it.");
        if (filter.Topics.Count > 0 || grants.ReadsEverything)
            return null;
        if (grants.Readable.Count == 0)
            return Forbidden("you may not read any topic. This requires the claim sse.subscribe.");
        filter = new EventFilter(grants.Readable, filter.Types, filter.Keys);
        return null;

        // A ticket is valid only for the topics it names; elsewhere it counts as missing.
        IResult Forbidden(string why) =>
            InvalidRequestException.ProblemOf(
                "topic",
                why,
                caller.Ticket is null ? StatusCodes.Status403Forbidden : StatusCodes.Status401Unauthorized
            );
    }

    private static string[] Values(StringValues values) => values.Count == 0 ? [] : [.. values.Select(v => v ?? "")];
}
