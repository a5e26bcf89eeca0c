using CsCheck;

namespace Integration.Delivery;

/// <summary>A step of the model. Its numbers choose among the objects that exist at that moment.</summary>
internal abstract record ModelStep
{
    public sealed record Publish(int Replica, int Topic, int Count, int Bytes) : ModelStep;

    public sealed record Begin(int Topic) : ModelStep;

    public sealed record Finish(int Transaction, bool Commit) : ModelStep;

    public sealed record Drop(int Reader) : ModelStep;

    public sealed record Resume(int Reader, int Replica) : ModelStep;

    public sealed record Stall(int Reader) : ModelStep;

    public sealed record ReadOn(int Reader) : ModelStep;

    public sealed record Mistreat(int Lost, int Doubled, int Held, int Seed) : ModelStep;

    public sealed record CutRedis(bool Heal) : ModelStep;

    public sealed record ChangeLeader(bool Frozen) : ModelStep;

    public sealed record Restart(int Replica) : ModelStep;
}

internal static class ModelSteps
{
    private static readonly Gen<int> Any = Gen.Int[0, 1_000];

    private static readonly Gen<ModelStep> One = Gen.Frequency(
        (
            36,
            from replica in Any
            from topic in Any
            from count in Gen.Int[1, 40]
            from bytes in Gen.OneOf(1, 100, 2_000)
            select (ModelStep)new ModelStep.Publish(replica, topic, count, bytes)
        ),
        (3, from replica in Any from topic in Any select (ModelStep)new ModelStep.Publish(replica, topic, 400, 8_000)),
        (9, from topic in Any select (ModelStep)new ModelStep.Begin(topic)),
        (
            9,
            from transaction in Any
            from commit in Gen.OneOf(true, true, false)
            select (ModelStep)new ModelStep.Finish(transaction, commit)
        ),
        (12, from reader in Any select (ModelStep)new ModelStep.Drop(reader)),
        (15, from reader in Any from replica in Any select (ModelStep)new ModelStep.Resume(reader, replica)),
        (6, from reader in Any select (ModelStep)new ModelStep.Stall(reader)),
        (6, from reader in Any select (ModelStep)new ModelStep.ReadOn(reader)),
        (
            9,
            from lost in Gen.Int[0, 40]
            from doubled in Gen.Int[0, 40]
            from held in Gen.Int[0, 40]
            from seed in Any
            select (ModelStep)new ModelStep.Mistreat(lost, doubled, held, seed)
        ),
        (3, from heal in Gen.OneOf(true, false) select (ModelStep)new ModelStep.CutRedis(heal)),
        (3, from frozen in Gen.OneOf(true, false) select (ModelStep)new ModelStep.ChangeLeader(frozen)),
        (1, from replica in Any select (ModelStep)new ModelStep.Restart(replica))
    );

    public static readonly Gen<ModelStep[]> Sequence = One.Array[30];
}
