using Stack;

namespace Integration.Delivery;

/// <summary>Two replicas that several classes share.</summary>
public sealed class TwoReplicas(StackFixture stack) : SharedSystem(stack)
{
    public const string Collection = "Delivery";

    protected override int Replicas => 2;
    protected override Dictionary<string, string> Settings => new() { ["Streaming__PositionSeconds"] = "1" };
}

[CollectionDefinition(TwoReplicas.Collection)]
public sealed class SharedTests : ICollectionFixture<TwoReplicas>;
