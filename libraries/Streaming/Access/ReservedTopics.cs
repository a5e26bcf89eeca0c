namespace AspireSse.Server;

/// <summary>Topics to which only the server publishes; each feature reserves its own against forgery. An application's
/// streams leave them out unless its code names their first token, because they belong to their owners.</summary>
/// <remarks>Needed only by a host that publishes for its clients, and so refuses reserved topics, as StreamApi
/// does.</remarks>
/// <param name="Pattern">A first token and what follows it.</param>
public sealed record ReservedTopics(string Pattern)
{
    private readonly string _root = Pattern.Split('.')[0];

    /// <summary>Returns true if a topic or pattern lies within these topics.</summary>
    public bool Includes(string topic) => TopicPattern.Matches(Pattern, topic);

    internal bool IsNamedBy(EventTopic topic) =>
        topic.IsReserved || (topic.NamesItsRoot && topic.ToString().Split('.')[0] == _root);

    /// <summary>Returns true for a topic or pattern that lies within these topics and that the code does not
    /// name.</summary>
    internal bool Hides(EventTopic topic) => topic.IsValid && Includes(topic.ToString()) && !IsNamedBy(topic);
}
