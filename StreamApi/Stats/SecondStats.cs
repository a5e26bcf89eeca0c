using System.Text.Json.Serialization;
using Streaming.Connections;

namespace StreamApi.Stats;

/// <summary>What a replica did in one second. What is nothing is left out.</summary>
/// <param name="At">The second's end, in Unix seconds.</param>
/// <param name="Connections">Open streams at that moment.</param>
/// <param name="Delivered">Events handed to sockets, a second.</param>
/// <param name="LatencyMs">Commit to socket, of those.</param>
/// <param name="Appended">Positions that the log grew by as this replica saw it, a second.</param>
/// <param name="Lag">Positions between the log's head and this replica, at that moment.</param>
/// <param name="Resumes">Streams that went on after their last id.</param>
/// <param name="Resyncs">Ids that could not be honoured, by reason.</param>
/// <param name="Degraded">It read the log from Postgres for want of a beat.</param>
internal sealed record SecondStats(
    long At,
    int Connections,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double Delivered,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] LatencyQuantiles? LatencyMs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double Appended,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long Lag,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long Resumes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        IReadOnlyDictionary<string, long>? Resyncs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Degraded
);
