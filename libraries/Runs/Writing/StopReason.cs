namespace AspireSse;

internal enum StopReason
{
    None,

    Cancelled,

    /// <summary>The server is stopping, and the runs' grace has ended.</summary>
    Interrupted,

    /// <summary>The replica lost its lease, so another one ended the run.</summary>
    Fenced,
}
