namespace Integration.Delivery;

/// <summary>Two replicas that several classes share.</summary>
public sealed class TwoReplicas : SharedWorld
{
    protected override int Replicas => 2;

    protected override Dictionary<string, string> Settings => new() { ["AspireSse__Streaming__PositionSeconds"] = "1" };
}
