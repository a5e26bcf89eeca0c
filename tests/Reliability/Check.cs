namespace Reliability;

/// <summary>One row of the report: something that is done to a system, and what came of it.</summary>
internal interface ICheck
{
    string Name { get; }

    /// <summary>The system that it happens to.</summary>
    SystemKind Needs { get; }

    /// <summary>Throws <see cref="NotDoneException"/> where this machine cannot.</summary>
    Task<Outcome> RunAsync(ReliabilitySystem system, ReliabilityOptions options, CancellationToken cancellationToken);
}

/// <param name="Ok">Whether it is as it must be.</param>
/// <param name="Line">The row, in Markdown.</param>
internal sealed record Outcome(bool Ok, string Line);

/// <summary>A table of the report.</summary>
internal sealed record Section(string Part, string Title, string Text, string Header, IReadOnlyList<ICheck> Checks)
{
    /// <summary>Where a row could not be had.</summary>
    public string Line(ICheck check, NotDoneException reason) =>
        $"| {check.Name} |{string.Concat(Enumerable.Repeat(" – |", Header.Split('|').Length - 4))} not done: {reason.Message} |";
}
