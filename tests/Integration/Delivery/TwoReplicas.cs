namespace Integration.Delivery;

/// <summary>Two replicas that several classes share.</summary>
public sealed class TwoReplicas : SharedWorld
{
    protected override int Replicas => 2;

    // With the default a slow store decides how an id of another epoch is answered.
    protected override Dictionary<string, string> Settings =>
        new() { ["AspireSse__Streaming__PositionSeconds"] = "1", ["AspireSse__Streaming__HeadMilliseconds"] = "10000" };
}
