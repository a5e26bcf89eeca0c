using EventStore;
using Microsoft.Extensions.Primitives;
using StreamApi.Security;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary>The filter of a subscription or history request: <c>topic</c>, <c>type</c>, <c>key</c>, each as often as
/// wanted.</summary>
internal static class FilterQuery
{
    /// <summary>Null where the filter is valid, else the answer that names the field.</summary>
    public static IResult? Read(IQueryCollection query, EventsOptions limits, out EventFilter filter)
    {
        var (topics, types, keys) = (Values(query["topic"]), Values(query["type"]), Values(query["key"]));
        // `?topic=` is a variable that was not set rather than a wish for everything.
        foreach (var (name, values) in ((string, string[])[])[("topic", topics), ("type", types), ("key", keys)])
            if (values.Contains(""))
            {
                filter = EventFilter.All;
                return InvalidRequestException.ProblemOf(name, "is empty: leave it out to mean any.");
            }
        filter = new EventFilter(topics, types, keys);
        foreach (var topic in topics)
        {
            if (topic.AsSpan().Count('.') >= limits.MaxDepth)
                return InvalidRequestException.ProblemOf("topic", $"has at most {limits.MaxDepth} tokens.");
            if (!TopicGrants.IsGrant(topic))
                return InvalidRequestException.ProblemOf(
                    "topic",
                    $"'{topic}' is no topic: dot-separated tokens of [A-Za-z0-9_-], at most {TopicPattern.MaxLength} characters; in a pattern also * for one token and a final > for the rest."
                );
        }
        foreach (var (name, values) in ((string, string[])[])[("topic", topics), ("type", types), ("key", keys)])
            if (values.Length > limits.MaxFilters)
                return InvalidRequestException.ProblemOf(name, $"at most {limits.MaxFilters} at once.");
            else if (values.Any(v => v is not { Length: > 0 } || v.Length > limits.MaxNameLength || v.Contains('\0')))
                return InvalidRequestException.ProblemOf(
                    name,
                    $"is 1 to {limits.MaxNameLength} characters without NUL."
                );
        if (types.Any(t => t.AsSpan().ContainsAny('\r', '\n')))
            return InvalidRequestException.ProblemOf("type", "has no CR and no LF: no event's has.");
        return null;
    }

    /// <summary>
    /// Null where the caller may read what the filter names, else the answer. A filter that names no topic becomes what
    /// he may read: so a
    /// stream carries nothing else, and no delivery has to ask.
    /// </summary>
    public static IResult? Authorize(HttpContext context, ref EventFilter filter)
    {
        var caller = Caller.Of(context);
        var grants = caller.Grants;
        foreach (var topic in filter.Topics)
            if (!grants.MayRead(topic))
                return Forbidden($"you may not read '{topic}': that takes the claim sse.subscribe for it.");
        if (filter.Topics.Count > 0 || grants.ReadsEverything)
            return null;
        if (grants.Readable.Count == 0)
            return Forbidden("you may read none: that takes the claim sse.subscribe.");
        filter = filter with { Topics = grants.Readable };
        return null;

        // A ticket is for the streams that it names: for another it is none.
        IResult Forbidden(string why) =>
            InvalidRequestException.ProblemOf(
                "topic",
                why,
                caller.Ticket is null ? StatusCodes.Status403Forbidden : StatusCodes.Status401Unauthorized
            );
    }

    private static string[] Values(StringValues values) => [.. values.Select(v => v ?? "")];
}
