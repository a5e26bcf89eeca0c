using System.ComponentModel.DataAnnotations;

namespace Runs;

/// <summary>Leases and reads of the runs; section <c>Runs</c>.</summary>
internal sealed class RunOptions
{
    /// <summary>A replica not heard of for so long is dead: the others end its runs. In seconds.</summary>
    [Range(2, 600)]
    public int LeaseSeconds { get; set; } = 6;

    /// <summary>How often a replica says that it lives, looks for cancelled runs of its own and for dead replicas. In
    /// seconds.</summary>
    [Range(1, 60)]
    public int RenewSeconds { get; set; } = 1;

    /// <summary>
    /// Most bytes of a run's events that one request reads: a generation's state, a session's, the conversation that
    /// its model is given. What is left out is said (<c>truncated</c>); the stream has it.
    /// </summary>
    [Range(64 * 1024, 64 * 1024 * 1024)]
    public int MaxReadBytes { get; set; } = 1024 * 1024;
}

/// <summary>The part of section <c>Llm</c> that shutdown needs.</summary>
internal sealed class DrainOptions
{
    /// <summary>Seconds that what is being generated may go on after the server was asked to stop.</summary>
    [Range(0, 600)]
    public int DrainSeconds { get; set; } = 8;
}
