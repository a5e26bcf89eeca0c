namespace Reliability;

/// <summary>What a fault came to; null figures where it could not be done.</summary>
internal sealed record Row(string Fault, string Remark)
{
    public bool Done { get; init; }
    public int Clients { get; init; }
    public long Acknowledged { get; init; }
    public long Refused { get; init; }
    public long Received { get; init; }
    public long Lost { get; init; }
    public long NotStored { get; init; }
    public long Twice { get; init; }
    public long Reordered { get; init; }
    public long Unknown { get; init; }
    public long Resyncs { get; init; }
    public double BrokenSeconds { get; init; }
    public double? RecoverySeconds { get; init; }
    public bool Drained { get; init; }

    public bool Ok => !Done || (Lost + NotStored + Twice + Reordered + Unknown + Resyncs == 0 && RecoverySeconds is not null && Drained && Acknowledged > 0 && Received > 0);
}
