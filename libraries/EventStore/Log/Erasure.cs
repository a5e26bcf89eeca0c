using EventStore;

namespace AspireSse;

/// <summary>The events to erase for ever, who erases them, and why.</summary>
/// <remarks>Needed to erase a person's data (<see cref="IEventLog.EraseAsync"/>).</remarks>
public sealed record Erasure
{
    private const int MaxReason = 1_000;

    /// <summary>The topics, each with all topics below it: <c>users.7</c> takes <c>users.7.orders</c> along.</summary>
    public IReadOnlyList<string> Topics { get; init; } = [];

    /// <summary>The events' ids (<see cref="EventRecord.Id"/>). They are searched in the whole log, which takes its
    /// time.</summary>
    public IReadOnlyList<Guid> Ids { get; init; } = [];

    /// <summary>The reason, which is recorded: 1 to 1,000 characters, and no personal data.</summary>
    public required string Reason { get; init; }

    /// <summary>The person or the service that erases, which is recorded: 1 to 256 characters.</summary>
    public required string By { get; init; }

    /// <summary>Returns a copy whose members are valid.</summary>
    /// <exception cref="ArgumentException">A member is invalid.</exception>
    internal Erasure Checked()
    {
        CheckText(Reason, nameof(Reason), MaxReason);
        CheckText(By, nameof(By), NewEvent.MaxNameLength);
        if (Topics.Count == 0 && Ids.Count == 0)
            throw new ArgumentException("An erasure names topics or ids.", nameof(Topics));
        return this with { Topics = [.. Topics.Select(EventRules.Topic)], Ids = [.. Ids] };
    }

    /// <summary>Returns true for a topic that is one of the topics, or below one.</summary>
    internal bool Covers(string topic) => Topics.Any(top => IsBelow(topic, top));

    internal static bool IsBelow(string topic, string top) =>
        $"{topic}.".StartsWith($"{top}.", StringComparison.Ordinal);

    private static void CheckText(string text, string name, int most)
    {
        if (string.IsNullOrWhiteSpace(text) || text.Length > most || text.Contains('\0'))
            throw new ArgumentException($"It has 1 to {most} characters, not only spaces, and no NUL.", name);
    }
}

/// <summary>The counts of an erasure, and the names that it did not find.</summary>
/// <remarks>Needed to tell whoever asked what was erased, and what was not found.</remarks>
public sealed record ErasureResult
{
    /// <summary>The number of the erasure's row in <c>eventstore.erasures</c>.</summary>
    public required long Number { get; init; }

    /// <summary>The number of erased events.</summary>
    public required long Events { get; init; }

    /// <summary>The number of erased outbox rows.</summary>
    public required long OutboxRows { get; init; }

    /// <summary>The given topics and ids of which nothing is stored, and which no earlier erasure names.</summary>
    public required IReadOnlyList<string> Unknown { get; init; }
}

/// <summary>A run that is to be erased is still being written. Nothing was erased.</summary>
/// <remarks>Needed to answer an operator that such a run must be cancelled first, such as by 409.</remarks>
public sealed class OpenRunException(IReadOnlyList<string> runs)
    : Exception($"Runs are open: {string.Join(", ", runs)}. Cancel them, or wait until they end, and erase again.")
{
    /// <summary>The topics of the open runs.</summary>
    public IReadOnlyList<string> Runs { get; } = runs;
}
