using Microsoft.AspNetCore.Http.HttpResults;
using Runs;

namespace Microsoft.AspNetCore.Http;

/// <summary>Results that stream runs, beside ASP.NET's own.</summary>
public static class RunStreamExtensions
{
    extension(TypedResults)
    {
        /// <summary>Streams a run (<see cref="IRuns"/>) from its first event, or after the client's last event id, to
        /// its end. A client that has the end gets 204, which stops an <c>EventSource</c>.</summary>
        /// <param name="topic">Such as <c>$"answers.{id}"</c>. If there is no such run, the answer is 404.</param>
        public static EventStreamResult RunStream(EventTopic topic) =>
            new([topic], context => context.RequestServices.GetRequiredService<RunStreams>().OpenAsync(context, topic));
    }
}
