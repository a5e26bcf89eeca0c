namespace AspireSse;

internal readonly record struct RunName(string Kind, string Id)
{
    public string Topic => $"{Kind}.{Id}";
    public string Log => $"{Topic}.log";

    /// <summary>Returns a name with a random id.</summary>
    public static RunName New(string kind) => new(kind, Guid.CreateVersion7().ToString("N"));

    /// <summary>Returns the run of a stream's or a log's topic, or null if no run can have the topic.</summary>
    public static RunName? Of(string topic)
    {
        var text = topic.EndsWith(".log", StringComparison.Ordinal) ? topic[..^".log".Length] : topic;
        var dot = text.IndexOf('.');
        return dot > 0 ? new RunName(text[..dot], text[(dot + 1)..]) : null;
    }

    /// <summary>Returns the run of a topic, or null if the topic is a pattern, another run's log, too long, or has only
    /// one token or too many.</summary>
    public static RunName? Of(EventTopic topic) =>
        topic.IsValid
        && topic.ToString() is var text
        && Of(text) is { } name
        && name.Topic == text
        && EventRules.IsTopic(name.Log)
            ? name
            : null;
}
