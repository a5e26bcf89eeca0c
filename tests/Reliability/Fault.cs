using Measuring.Ledger;

namespace Reliability;

/// <summary>What is done to the system, and undone.</summary>
/// <param name="Name">As the table has it.</param>
/// <param name="Lasts">Between the two.</param>
/// <param name="Break">Returns once it is done; throws <see cref="NotDoneException"/> where this machine
/// cannot.</param>
/// <param name="Mend">Returns once what was broken answers again.</param>
internal sealed record Fault(
    string Name,
    TimeSpan Lasts,
    Func<ReliabilitySystem, Task> Break,
    Func<ReliabilitySystem, CancellationToken, Task> Mend
)
{
    /// <summary>The system that it happens to, where not the one that all share.</summary>
    public SystemKind Needs { get; init; }

    /// <summary>Asked while it lasts, ten times a second: its words are the table's remark.</summary>
    public Func<IFaultProbe>? Probe { get; init; }
}

/// <summary>Watches the system while a fault lasts.</summary>
internal interface IFaultProbe
{
    Task AskAsync(ReliabilitySystem system, CancellationToken cancellationToken);

    /// <summary>What came of it.</summary>
    string Remark { get; }
}

internal enum SystemKind
{
    Plain,

    /// <summary>Its store lies on a small disk of its own.</summary>
    SmallDisk,

    /// <summary>The clocks of its processes can be set.</summary>
    SettableClock,

    /// <summary>As in Production: who asks must say who he is, and there are limits.</summary>
    Guarded,

    /// <summary>As in Production, without limits, and it says all that it can in its log.</summary>
    Talkative,
}

/// <summary>This machine cannot do that; the message says why, and stands in the table.</summary>
internal sealed class NotDoneException(string message) : Exception(message);
