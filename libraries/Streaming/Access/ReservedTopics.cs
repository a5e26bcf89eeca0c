using EventStore;

namespace Streaming.Access;

/// <summary>
/// Topics to which only the server publishes. Each feature reserves its own, so that no client can forge its events.
/// </summary>
internal sealed record ReservedTopics(string Pattern)
{
    public bool Includes(string topic) => TopicPattern.Matches(Pattern, topic);
}

internal static class ReservedTopicsExtensions
{
    public static IServiceCollection ReserveTopics(this IServiceCollection services, string pattern) =>
        services.AddSingleton(new ReservedTopics(pattern));
}
