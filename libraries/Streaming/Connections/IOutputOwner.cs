namespace Streaming.Connections;

/// <summary>A stream, as its output and the budget of pending writes see it. Called from any thread.</summary>
internal interface IOutputOwner
{
    /// <summary>The output accepts bytes again, or is broken.</summary>
    void Ready();

    /// <summary>Other streams need the memory of the write that this one has not taken.</summary>
    void EndStalled();
}
