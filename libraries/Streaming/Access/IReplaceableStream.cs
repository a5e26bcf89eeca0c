namespace Streaming.Access;

/// <summary>An open stream that a newer stream of the same ticket may replace.</summary>
internal interface IReplaceableStream
{
    string Id { get; }

    /// <summary>Ends the stream because a newer stream of the same ticket replaces it.</summary>
    void Replace();
}
