namespace Streaming.Replay;

/// <summary>Reads pages for connections that lag behind their ring.</summary>
internal interface IReplay
{
    PageBudget Pages { get; }

    /// <summary>Calls back with the page, at once or later, unless <see cref="Cancel"/> withdraws it.</summary>
    void Read(ReplayWaiter waiter, string epoch);

    void Cancel(ReplayWaiter waiter);
}
