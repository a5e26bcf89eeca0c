namespace AspireSse.Client.Reading;

/// <summary>The state of a stream that survives its connections.</summary>
internal sealed class Cursor(string lastEventId)
{
    private volatile string _lastEventId = lastEventId;

    /// <summary>The id of the last complete block; empty if there is none.</summary>
    public string LastEventId
    {
        get => _lastEventId;
        set => _lastEventId = value;
    }

    /// <summary>The server's last <c>retry:</c>, or null if it sent none.</summary>
    public TimeSpan? Retry { get; set; }
}
