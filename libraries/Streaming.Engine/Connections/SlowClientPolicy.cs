namespace Streaming.Connections;

/// <summary>Policy for a client that cannot keep up (<c>?slow=</c>).</summary>
internal enum SlowClientPolicy
{
    /// <summary>Feeds the client from the store until it has caught up, so that nothing is lost.</summary>
    CatchUp,

    /// <summary>Skips to the newest event of each key (else of each topic), and sends <c>event: skipped</c>.</summary>
    Latest,

    /// <summary>Ends the stream after <c>SlowSeconds</c>, with a reconnection time if the client still reads.</summary>
    Disconnect,
}
