namespace AspireSse.Server;

/// <summary>A topic in a listing.</summary>
/// <remarks>Needed only by a host that lists its topics, as StreamApi does.</remarks>
/// <param name="Topic">The topic.</param>
/// <param name="Count">Number of its events in the log.</param>
/// <param name="Head">Place of its newest event.</param>
public sealed record TopicSummary(string Topic, long Count, StreamPosition Head);
