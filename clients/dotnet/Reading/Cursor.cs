namespace AspireSse.Client.Reading;

/// <summary>What a stream remembers from one connection to the next.</summary>
internal sealed class Cursor(string lastEventId)
{
    private volatile string _lastEventId = lastEventId;

    /// <summary>Of the last whole block handed on; empty for none (then none is sent).</summary>
    public string LastEventId
    {
        get => _lastEventId;
        set => _lastEventId = value;
    }

    /// <summary>The server's last <c>retry:</c>; null where it sent none.</summary>
    public TimeSpan? Retry { get; set; }
}
