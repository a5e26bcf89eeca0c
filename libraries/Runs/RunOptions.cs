using System.ComponentModel.DataAnnotations;

namespace AspireSse;

/// <summary>Options of runs, section <c>AspireSse:Runs</c>.</summary>
/// <remarks>Needed by code that reads or sets how long runs may go on at shutdown, and how often they restart. No
/// configuration key sets the internal members; tests make them smaller.</remarks>
public sealed class RunOptions
{
    /// <summary>
    /// Seconds without a renewal after which a replica counts as failed, and the others end its runs.
    /// </summary>
    internal int LeaseSeconds { get; set; } = 6;

    /// <summary>Seconds between two renewals, each with a check for cancelled runs and for failed replicas.</summary>
    internal int RenewSeconds { get; set; } = 1;

    /// <summary>Maximum bytes of a run's events that one request reads. The response says if events are left out
    /// (<c>truncated</c>); the stream has all of them.</summary>
    internal int MaxReadBytes { get; set; } = 1024 * 1024;

    /// <summary>Seconds that live runs and answers may continue after SIGTERM, at most until two seconds before the
    /// host's shutdown timeout. The orchestrator must allow seven more.</summary>
    [Range(0, 600)]
    public int DrainSeconds { get; set; } = 8;

    /// <summary>Most attempts of a run with a handler; each later attempt is in a process that took the run over from a
    /// lost one. Without this bound, work that kills its process would kill one process after another.</summary>
    [Range(1, 1000)]
    public int MaxAttempts { get; set; } = 5;
}
