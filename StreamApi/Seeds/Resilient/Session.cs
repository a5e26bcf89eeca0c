namespace StreamApi.Seeds.Resilient;

/// <summary>One source of events, regardless of the number of readers and replicas.</summary>
internal sealed class Session
{
    /// <summary>Value of <see cref="FailuresLeft"/> in the database for failures without an end.</summary>
    public const int UntilRepaired = -1;

    public required string Id { get; init; }

    /// <summary>Ordinal of the next message.</summary>
    public long NextId { get; set; }

    /// <summary>Consecutive failures.</summary>
    public int RetryCount { get; set; }

    /// <summary>Simulated failures left, or <see cref="UntilRepaired"/>.</summary>
    public int FailuresLeft { get; set; }

    /// <summary>Time at which a replica last had a reader.</summary>
    public DateTimeOffset SeenAt { get; set; }

    /// <summary>Time of the next read of the source, or null while it is stopped.</summary>
    public DateTimeOffset? NextAt { get; set; }

    /// <summary>True after the fatal error. Only a reader without a last id restarts the source.</summary>
    public bool Failed { get; set; }

    public static string Topic(string id) => $"sse.resilient.{id}";

    /// <summary>Topic of retries and fatal errors, separate from the messages because messages are counted.</summary>
    public static string ControlTopic(string id) => $"sse.resilient.{id}.control";
}
