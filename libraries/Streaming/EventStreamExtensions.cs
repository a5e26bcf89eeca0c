using System.Net.ServerSentEvents;
using Microsoft.AspNetCore.Http.HttpResults;
using Streaming.Frames;
using Streaming.Opening;

namespace Microsoft.AspNetCore.Http;

/// <summary>Results that stream events, beside ASP.NET's own, and the last event id of a request.</summary>
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
        /// <param name="types">Event types wanted; null for all.</param>
        /// <param name="keys">Event keys wanted; null for all.</param>
        /// <param name="format">How the stream shows an event.</param>
        /// <param name="show">Forms each event, instead of <paramref name="format"/>; null, or an exception, which is
        /// logged, leaves only its place, as an event <c>position</c>. The id is the event's own. It is called for each
        /// stream, perhaps again, on a thread of its own: if it is slow, so is its stream alone.</param>
        /// <param name="greeting">The first event, instead of <c>connected</c>. Its id is the place where the stream
        /// starts.</param>
        /// <param name="bounds">Where the stream begins and ends, if not as usual.</param>
        /// <param name="hasConnected">False: the stream begins with its place alone, as an event <c>begin</c>, for
        /// clients that expect no event of the stream's own. Null: what is usual for the format.</param>
        /// <exception cref="ArgumentException">No topic is given, or the greeting has no data.</exception>
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
    }

    extension(TypedResults)
    {
        /// <summary>Streams a topic from its first event to the one that ends it. A client resumes after its last event
        /// id, or after the n-th event if that is a bare number n; one that has the end gets 204, which stops an
        /// <c>EventSource</c>.</summary>
        /// <param name="topic">A topic, no pattern.</param>
        /// <param name="ends">The types of its last event.</param>
        /// <param name="format">How the stream shows an event.</param>
        /// <param name="show">Forms each event, instead of <paramref name="format"/>, as in the other
        /// overload.</param>
        /// <param name="events">Number of events that a topic with an end has: if fewer are left, retention has dropped
        /// the first, and no number can be resumed. Null: unknown.</param>
        /// <exception cref="ArgumentException">No type of an end is given.</exception>
        public static EventStreamResult FiniteEventStream(
            EventTopic topic,
            IReadOnlyList<string> ends,
            EventFormat format = EventFormat.Named,
            Func<EventRecord, SseItem<object?>?>? show = null,
            int? events = null
        )
        {
            ArgumentNullException.ThrowIfNull(ends);
            if (ends.Count == 0)
                throw new ArgumentException("A finite stream ends at events of some type.", nameof(ends));

            var frames = EndingFormat.Of(show is null ? FrameFormat.Of(format) : ShownFormat.Instance, ends);
            return new EventStreamResult(
                [topic],
                context =>
                    context
                        .RequestServices.GetRequiredService<FiniteStreams>()
                        .OpenAsync(
                            context,
                            topic.ToString(),
                            frames,
                            ends,
                            events: events,
                            shown: EventStreamResult.ShownBy(show, context)
                        )
            );
        }

        /// <summary>Answers with a stream that only tells a reconnection time and why, for a client that resumes and
        /// should come later: 429 or 503 would stop an <c>EventSource</c> (HTML Living Standard §9.2.3).</summary>
        /// <param name="why">A comment, without line breaks.</param>
        public static IResult Reconnect(string why) => new ReconnectResult(why);

        /// <summary>Answers with a large value as JSON, which counts against the memory that its client may hold until
        /// the client has taken it.</summary>
        public static IResult HeldJson<T>(HttpContext context, T value) =>
            Streaming.Requests.HeldJson.Ok(context, value);

        /// <summary>Streams items that are not in the log, as <c>ServerSentEvents</c> does, but counted, kept alive and
        /// ended like streams of it.</summary>
        /// <param name="items">Data that are text are sent as they are, others as JSON, null not at all.</param>
        public static EventStreamResult EventStream<T>(IAsyncEnumerable<SseItem<T>> items) =>
            EventStreamResult.OfItems(items, retry: null, comment: null, topics: []);

        /// <summary>Streams items as the other overload does, after a reconnection time and a comment.</summary>
        /// <param name="items">As in the other overload.</param>
        /// <param name="retry">The reconnection time; null for the usual one.</param>
        /// <param name="comment">A comment, sent first; null without one.</param>
        /// <param name="topics">What the list of connections says that it reads; null: nothing.</param>
        public static EventStreamResult EventStream<T>(
            IAsyncEnumerable<SseItem<T>> items,
            TimeSpan? retry,
            string? comment,
            IReadOnlyList<string>? topics = null
        ) => EventStreamResult.OfItems(items, retry, comment, topics ?? []);
    }
}
