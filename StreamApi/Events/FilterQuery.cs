using EventStore;
using Microsoft.Extensions.Primitives;

namespace StreamApi.Events;

/// <summary>The filter of a subscription or history request: <c>topic</c>, <c>type</c>, <c>key</c>, each as often as wanted.</summary>
internal static class FilterQuery
{
    /// <summary>Null where the filter is valid, else the answer that names the field.</summary>
    public static IResult? Read(IQueryCollection query, EventsOptions limits, out EventFilter filter) =>
        Check(Values(query["topic"]), Values(query["type"]), Values(query["key"]), limits, out filter);

    /// <summary>The same for lists that came in a body.</summary>
    public static IResult? Check(string[] topics, string[] types, string[] keys, EventsOptions limits, out EventFilter filter)
    {
        filter = new EventFilter(topics, types, keys);
        foreach (var topic in topics)
            if (!TopicPattern.IsTopicOrPattern(topic))
                return Problems.Field("topic", $"'{topic}' is no topic: dot-separated tokens of [A-Za-z0-9_-], at most {TopicPattern.MaxLength} characters; in a pattern also * for one token and a final > for the rest.");
        foreach (var (name, values) in ((string, string[])[])[("topic", topics), ("type", types), ("key", keys)])
            if (values.Length > limits.MaxFilters) return Problems.Field(name, $"at most {limits.MaxFilters} at once.");
        return null;
    }

    private static string[] Values(StringValues values) => [.. values.Where(v => v is { Length: > 0 }).Select(v => v!)];
}
