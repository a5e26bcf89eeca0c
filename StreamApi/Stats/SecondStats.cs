using System.Text.Json.Serialization;

namespace StreamApi.Stats;

/// <summary>Stats of one replica for one second. Zero values are omitted.</summary>
/// <param name="At">End of the second, in Unix seconds.</param>
/// <param name="Connections">Open streams at that time.</param>
/// <param name="Delivered">Events written to sockets per second.</param>
/// <param name="LatencyMs">Commit to socket write, for those events.</param>
/// <param name="Appended">Growth of the log as seen by this replica, in positions per second.</param>
/// <param name="Lag">Positions between the log's head and this replica at that time.</param>
/// <param name="Resumes">Streams resumed after their last id.</param>
/// <param name="Resyncs">Last ids that could not be honoured, by reason.</param>
/// <param name="Degraded">True while the log is read from Postgres because the relay's heartbeat is missing.</param>
internal sealed record SecondStats(
    long At,
    int Connections,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double Delivered,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] SseLatency? LatencyMs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double Appended,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long Lag,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long Resumes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        IReadOnlyDictionary<string, long>? Resyncs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Degraded
);
