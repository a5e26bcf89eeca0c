namespace Streaming.Replay;

/// <summary>Reads pages for connections that lag behind their ring.</summary>
internal interface IReplay
{
    /// <summary>Budget of the pages that connections hold.</summary>
    PageBudget Pages { get; }

    /// <summary>Calls the waiter back with the page, at once or later. <see cref="Cancel"/> withdraws the
    /// request.</summary>
    /// <param name="waiter">The waiting connection and its range.</param>
    /// <param name="epoch">The epoch of the position.</param>
    void Read(ReplayWaiter waiter, string epoch);

    /// <summary>Removes a waiter whose client has left.</summary>
    void Cancel(ReplayWaiter waiter);
}
