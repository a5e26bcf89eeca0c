namespace AspireSse.Server;

/// <summary>Keeps topics of the server out of streams over patterns.</summary>
/// <remarks>Needed by a library or host that has topics of its own in the application's log.</remarks>
public static class ReservedTopicExtensions
{
    /// <summary>Reserves topics for the server itself (<see cref="ReservedTopics"/>): a stream over <c>&gt;</c> or
    /// over a first token from the request does not show them.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="pattern">A first token and what follows it, such as <c>orders.&gt;</c>.</param>
    /// <exception cref="ArgumentException">It is no topic or pattern, or begins with a wildcard.</exception>
    public static IServiceCollection ReserveTopics(this IServiceCollection services, string pattern)
    {
        if (!TopicPattern.IsTopicOrPattern(pattern) || pattern[0] is '*' or '>')
            throw new ArgumentException($"'{pattern}' is no topic or pattern with a first token.", nameof(pattern));
        return services.AddSingleton(new ReservedTopics(pattern));
    }
}
