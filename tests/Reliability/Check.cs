namespace Reliability;

/// <summary>A row of the report: something done to a system, and the result.</summary>
internal interface ICheck
{
    string Name { get; }

    /// <summary>The system that the check needs.</summary>
    SystemKind Needs { get; }

    /// <summary>Runs the check. Throws <see cref="NotDoneException"/> when this machine cannot run it.</summary>
    Task<Outcome> RunAsync(ReliabilitySystem system, ReliabilityOptions options, CancellationToken cancellationToken);
}

/// <summary>The result of a check.</summary>
/// <param name="Ok">True when the result meets its conditions.</param>
/// <param name="Line">The row in Markdown.</param>
/// <param name="IsSkipped">True when this machine cannot run the check, which is no success either.</param>
internal sealed record Outcome(bool Ok, string Line, bool IsSkipped = false);

/// <summary>A table of the report.</summary>
internal sealed record Section(string Part, string Title, string Header, IReadOnlyList<ICheck> Checks)
{
    /// <summary>Returns the row of a check without a result.</summary>
    public string Line(ICheck check, string reason) =>
        $"| {check.Name} |{string.Concat(Enumerable.Repeat(" – |", Header.Split('|').Length - 4))} {reason} |";
}
