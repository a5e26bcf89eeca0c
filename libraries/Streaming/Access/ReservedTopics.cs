namespace Streaming.Access;

/// <summary>Topics to which only the server publishes; each feature reserves its own against forgery.</summary>
internal sealed record ReservedTopics(string Pattern)
{
    public bool Includes(string topic) => TopicPattern.Matches(Pattern, topic);
}

internal static class ReservedTopicsExtensions
{
    public static IServiceCollection ReserveTopics(this IServiceCollection services, string pattern) =>
        services.AddSingleton(new ReservedTopics(pattern));
}
