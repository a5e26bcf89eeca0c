using Streaming.Requests;

namespace Streaming.Replay;

/// <summary>A read's turn (<see cref="ReplayTurns"/>, which guards it).</summary>
internal sealed class ReplayTurn
{
    private readonly HashSet<(Rotation<ReplayTurn> Queue, string Client)> _places = [];

    public TaskCompletionSource Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>True once it was granted or given up.</summary>
    public bool IsOver { get; private set; }

    /// <summary>True if a client is known to find enough, so that the read is not a search.</summary>
    public bool IsNoSearch { get; set; }

    /// <summary>True if it was granted as a search.</summary>
    public bool IsSearch { get; set; }

    /// <summary>The clients in whose names it waits, or waited until it was over.</summary>
    public IEnumerable<string> Clients => _places.Select(static place => place.Client);

    /// <summary>Adds a queue to wait in; false if it waits there already.</summary>
    public bool Wait(Rotation<ReplayTurn> queue, string client)
    {
        if (!_places.Add((queue, client)))
            return false;
        queue.Add(client, this);
        return true;
    }

    public void Leave(Rotation<ReplayTurn> queue, string client)
    {
        _places.Remove((queue, client));
        queue.Remove(client, this);
    }

    /// <summary>Leaves all queues; false if it was over before.</summary>
    public bool End()
    {
        if (IsOver)
            return false;
        IsOver = true;
        foreach (var (queue, client) in _places)
            queue.Remove(client, this);
        return true;
    }
}
