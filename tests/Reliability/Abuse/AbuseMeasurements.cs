namespace Reliability.Abuse;

/// <summary>The measurements of one abuse.</summary>
internal sealed record AbuseMeasurements
{
    /// <summary>Events of the regular users that were due without the load.</summary>
    public required EventWindow Without { get; init; }

    /// <summary>Those that were due during the abuse.</summary>
    public required EventWindow During { get; init; }

    /// <summary>Those that were due beside a program that only used as much processor time as the abuse
    /// (<see cref="BurnedTime"/>), or null if the others' latency did not depend on it.</summary>
    public EventWindow? Burned { get; init; }

    /// <summary>All of the row, to half a minute after the abuse.</summary>
    public required EventWindow All { get; init; }

    public long Duplicates { get; init; }

    /// <summary>Errors of regular clients that have ended.</summary>
    public IReadOnlyList<string> Ended { get; init; } = [];

    /// <summary>Memory of both replicas, in megabytes: before the abuse, at its highest, and half a minute
    /// after.</summary>
    public required (double Before, double Most, double After) Memory { get; init; }

    /// <summary>CPU of Postgres's sessions, in percent of a processor: before the abuse, and ten seconds after its
    /// end.</summary>
    public required (double Before, double After) Store { get; init; }

    /// <summary>Sessions of Postgres whose statement ran for more than a second, ten seconds after the end.</summary>
    public long BusySessions { get; init; }

    /// <summary>Share of the processors that other programs used.</summary>
    public double ForeignPercent { get; init; }

    /// <summary>True if the system was at rest before the measurement.</summary>
    public bool IsSettled { get; init; } = true;

    /// <summary>The processor time that the load used.</summary>
    public BurnedTime Load { get; init; } = new(0, 1);

    /// <summary>The load's own summary.</summary>
    public required string Responses { get; init; }

    public double Ratio => During.P99 / Without.P99;

    public bool NeedsBurned => P99Rule.NeedsBurned(Without.P99, During.P99);
}
