using System.Net.ServerSentEvents;
using Microsoft.AspNetCore.Http.HttpResults;
using Streaming.Frames;
using Streaming.Opening;

namespace Microsoft.AspNetCore.Http;

/// <summary>Results that stream a topic with an end.</summary>
/// <remarks>Needed by endpoints that stream a topic from its first event to the event that ends it.</remarks>
public static class StreamResultExtensions
{
    extension(TypedResults)
    {
        /// <summary>Streams a topic from its first event to the one that ends it. A client resumes after its last event
        /// id, or after the n-th event if the id is a bare number n; a client that has the end gets 204, which stops an
        /// <c>EventSource</c>.</summary>
        /// <param name="topic">A topic, no pattern.</param>
        /// <param name="ends">The types of its last event.</param>
        /// <param name="format">How the stream shows an event.</param>
        /// <param name="show">Forms each event, instead of <paramref name="format"/>, as in <c>EventStream</c>.</param>
        /// <param name="events">Number of events that a topic with an end has: if fewer are left, retention has dropped
        /// the first, and no number can be resumed. Null if it is unknown.</param>
        /// <exception cref="ArgumentException">No type is given, a type is empty, or the topic is a
        /// pattern.</exception>
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

            if (topic.IsValid && TopicPattern.IsPattern(topic.ToString()))
                throw new ArgumentException("A finite stream is of one topic, without wildcards.", nameof(topic));

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
    }
}
