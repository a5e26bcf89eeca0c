namespace Reliability;

internal sealed record FaultRow(string Fault, string Remark)
{
    public long Acknowledged { get; init; }
    public long Failed { get; init; }
    public long Received { get; init; }
    public long Lost { get; init; }
    public long NotStored { get; init; }
    public long Duplicates { get; init; }
    public long Reordered { get; init; }
    public long Unknown { get; init; }
    public long Resyncs { get; init; }
    public double BrokenSeconds { get; init; }

    /// <summary>True when the process answered again after the fault was undone.</summary>
    public bool IsBack { get; init; }
    public double? RecoverySeconds { get; init; }
    public required string Recovered { get; init; }
    public bool Drained { get; init; }

    /// <summary>False if the fault's probe observed a failure.</summary>
    public bool IsProbeOk { get; init; } = true;

    public bool Ok =>
        Lost + NotStored + Duplicates + Reordered + Unknown + Resyncs == 0
        && RecoverySeconds is not null
        && IsBack
        && Drained
        && IsProbeOk
        && Acknowledged > 0
        && Received > 0;
}
