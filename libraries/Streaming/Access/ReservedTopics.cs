using EventStore;

namespace Streaming.Access;

/// <summary>
/// Topics whose events come from the server alone. Each feature registers its own: an order's step or a generation's
/// token that a publisher made up would be believed.
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
