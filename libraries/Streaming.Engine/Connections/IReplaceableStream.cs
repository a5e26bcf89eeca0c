namespace Streaming.Connections;

/// <summary>An open stream whose place a newer one of its session may take.</summary>
internal interface IReplaceableStream
{
    string Id { get; }

    /// <summary>Ends the stream because a newer one of its session has taken its place.</summary>
    void Replace();
}
