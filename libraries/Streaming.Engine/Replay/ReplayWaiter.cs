using Streaming.Fanout;

namespace Streaming.Replay;

/// <summary>A connection that waits for a page. Waiters with equal ranges share one read.</summary>
/// <param name="Done">Called once, from any thread, with the page, held for the waiter. Null if it is
/// unreadable.</param>
/// <param name="IsSearch">True if the connection's last page was a search. Null before the first.</param>
internal sealed record ReplayWaiter(
    ReplayRange Range,
    Action<ReplayWaiter, ReplayPage?> Done,
    string Client = "",
    bool? IsSearch = null
);
