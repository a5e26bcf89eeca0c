using EventStore;
using Microsoft.AspNetCore.Http.HttpResults;
using Streaming;

namespace Microsoft.AspNetCore.Http;

/// <summary>Results that stream events of the log, beside ASP.NET's own.</summary>
public static class EventStreamExtensions
{
    extension(TypedResults)
    {
        /// <summary>Streams the events of a topic or pattern.</summary>
        /// <param name="topic">Such as <c>$"orders.{id}.&gt;"</c>; each hole must hold one token, else the answer is
        /// 404.</param>
        public static EventStreamResult EventStream(EventTopic topic) => EventStream([topic]);

        /// <summary>Streams the events of topics or patterns, in the order of the log.</summary>
        /// <param name="topics">Each as in the other overload.</param>
        /// <param name="types">Event types wanted; null for all.</param>
        /// <param name="keys">Event keys wanted; null for all.</param>
        /// <param name="format">How the stream shows an event.</param>
        /// <exception cref="ArgumentException">No topic is given.</exception>
        public static EventStreamResult EventStream(
            IReadOnlyList<EventTopic> topics,
            IReadOnlyList<string>? types = null,
            IReadOnlyList<string>? keys = null,
            EventFormat format = EventFormat.Named
        ) => new(topics, types, keys, format);
    }
}
