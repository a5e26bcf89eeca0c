namespace Runs;

/// <summary>The last known position and event of a run that this process writes.</summary>
internal sealed class RunTail(string topic, Guid writer, string client, long known)
{
    private volatile bool _isFenced;

    public string Topic => topic;

    public Guid Writer => writer;

    /// <summary>The client whose share of the log its events use.</summary>
    public string Client { get; set; } = client;

    /// <summary>Id of the last event that is known to be stored, or null before the first.</summary>
    public Guid? LastStored { get; set; }

    /// <summary>Position of that event or of an earlier one. Before the first event, a position before the
    /// run.</summary>
    public long Known { get; set; } = known;

    /// <summary>True once this process has lost the run. A failed append is then not tried again.</summary>
    public bool IsFenced => _isFenced;

    public void Fence() => _isFenced = true;
}
