using System.Net.ServerSentEvents;
using Microsoft.AspNetCore.Http.HttpResults;
using Streaming.Frames;
using Streaming.Opening;

namespace Microsoft.AspNetCore.Http;

/// <summary>Results that stream events, beside ASP.NET's own, and the last event id of a request.</summary>
/// <remarks>Needed by every endpoint that streams events.</remarks>
public static class EventStreamExtensions
{
    /// <summary>Returns the last event id that the client sent: in the header, or as <c>?last_event_id=</c> or
    /// <c>?lastEventId=</c>. Null without one; an id longer than 128 bytes is cut.</summary>
    public static string? GetLastEventId(this HttpRequest request) => LastEventId.Of(request).Text;

    extension(TypedResults)
    {
        /// <summary>Streams the events of a topic or pattern.</summary>
        /// <param name="topic">Such as <c>$"orders.{id}.&gt;"</c>; each hole must hold one token, else the answer is
        /// 404.</param>
        public static EventStreamResult EventStream(EventTopic topic) => EventStream([topic]);

        /// <summary>Streams the events of topics or patterns, in the order of the log.</summary>
        /// <param name="topics">Each as in the other overload.</param>
        /// <param name="types">Event types wanted, or null for all.</param>
        /// <param name="keys">Event keys wanted, or null for all.</param>
        /// <param name="format">How the stream shows an event.</param>
        /// <param name="show">Forms each event, instead of <paramref name="format"/>. If it returns null or throws
        /// (which is logged), the stream sends only the event's position, as an event <c>position</c>. The id is the
        /// event's own. It is called for each stream, perhaps more than once for an event, on threads of its own: a
        /// slow function delays only its stream.</param>
        /// <param name="greeting">The first event, instead of <c>connected</c>. Its id is the place where the stream
        /// starts.</param>
        /// <param name="bounds">Where the stream begins and ends, if not as usual.</param>
        /// <param name="hasConnected">False if the stream begins with an event <c>begin</c>, which tells only the
        /// position, for clients that do not expect <c>connected</c>. Null for the format's default.</param>
        /// <exception cref="ArgumentException">No topic is given, a list is empty (an empty filter must not become one
        /// for everything), the greeting has no data, or the bounds have a position that no log can have or an empty
        /// type.</exception>
        public static EventStreamResult EventStream(
            IReadOnlyList<EventTopic> topics,
            IReadOnlyList<string>? types = null,
            IReadOnlyList<string>? keys = null,
            EventFormat format = EventFormat.Named,
            Func<EventRecord, SseItem<object?>?>? show = null,
            SseItem<object?>? greeting = null,
            StreamBounds? bounds = null,
            bool? hasConnected = null
        )
        {
            var frames = show is null ? FrameFormat.Of(format) : ShownFormat.Instance;
            var greets = hasConnected ?? (show is not null || format is EventFormat.Named or EventFormat.Envelope);
            if (greeting is { Data: null })
                throw new ArgumentException("A greeting needs data.", nameof(greeting));

            bounds ??= new StreamBounds();
            return EventStreamResult.OfLog(
                topics,
                types,
                keys,
                EndingFormat.Of(frames, bounds.Ends, bounds.EndsAfter),
                greets ? Greetings.Connected : Greetings.Begin,
                bounds,
                show,
                greeting
            );
        }

        /// <summary>Streams items that are not in the log, as <c>ServerSentEvents</c> does, but counted, kept alive and
        /// ended like streams of the log.</summary>
        /// <param name="items">Text data are sent as they are, other data as JSON, and an item without data as an event
        /// <c>position</c>.</param>
        public static EventStreamResult EventStream<T>(IAsyncEnumerable<SseItem<T>> items) =>
            EventStream(items, retry: null, comment: null);

        /// <summary>Streams items as the other overload does, after a reconnection time and a comment.</summary>
        /// <param name="items">As in the other overload.</param>
        /// <param name="retry">The reconnection time, or null for the usual one.</param>
        /// <param name="comment">A comment, sent first, or null without one.</param>
        public static EventStreamResult EventStream<T>(
            IAsyncEnumerable<SseItem<T>> items,
            TimeSpan? retry,
            string? comment
        ) => EventStream(items, retry, comment, topics: []);

        /// <summary>Streams items as the other overloads do. The list of connections shows the topics.</summary>
        /// <param name="items">As in the other overloads.</param>
        /// <param name="retry">The reconnection time, or null for the usual one.</param>
        /// <param name="comment">A comment, sent first, or null without one.</param>
        /// <param name="topics">Topics that the list of connections shows for the stream.</param>
        public static EventStreamResult EventStream<T>(
            IAsyncEnumerable<SseItem<T>> items,
            TimeSpan? retry,
            string? comment,
            IReadOnlyList<string> topics
        ) => EventStreamResult.OfItems(items, retry, comment, topics);
    }
}
