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

    /// <summary>Waits until every reader that reads has every committed event, whatever is broken.</summary>
    public sealed record CatchUp : ModelStep;

    public sealed record Mistreat(int Lost, int Doubled, int Held, int Seed) : ModelStep;

    public sealed record LoseRedis(RedisFault How) : ModelStep;

    public sealed record HealRedis : ModelStep;

    public sealed record ChangeLeader(bool Frozen) : ModelStep;

    public sealed record Restart(int Replica) : ModelStep;
}

internal enum RedisFault
{
    Cut,
    Frozen,

    /// <summary>For ever, but only on the connections of that time.</summary>
    Swallowed,
}

internal static class ModelStepGenerator
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
        (4, Gen.Const((ModelStep)new ModelStep.CatchUp())),
        (
            9,
            from lost in Gen.Int[0, 40]
            from doubled in Gen.Int[0, 40]
            from held in Gen.Int[0, 40]
            from seed in Any
            select (ModelStep)new ModelStep.Mistreat(lost, doubled, held, seed)
        ),
        (2, from how in Gen.Enum<RedisFault>() select (ModelStep)new ModelStep.LoseRedis(how)),
        (2, Gen.Const((ModelStep)new ModelStep.HealRedis())),
        (2, from frozen in Gen.OneOf(true, false) select (ModelStep)new ModelStep.ChangeLeader(frozen)),
        (1, from replica in Any select (ModelStep)new ModelStep.Restart(replica))
    );

    public static readonly Gen<ModelStep[]> Sequence = One.Array[30];

    /// <summary>Every fault once: each sequence begins with one of them.</summary>
    public static readonly ModelStep[][] Faults =
    [
        [new ModelStep.ChangeLeader(Frozen: false)],
        [new ModelStep.ChangeLeader(Frozen: true)],
        [new ModelStep.LoseRedis(RedisFault.Cut), new ModelStep.HealRedis()],
        [new ModelStep.LoseRedis(RedisFault.Frozen), new ModelStep.HealRedis()],
        [new ModelStep.LoseRedis(RedisFault.Swallowed), new ModelStep.HealRedis()],
        [
            new ModelStep.Restart(0),
            // With this seed the first message is held, the second doubled and sent before it, the third lost.
            new ModelStep.Mistreat(Lost: 40, Doubled: 40, Held: 40, Seed: 69),
            .. Enumerable.Repeat(new ModelStep.Publish(Replica: 0, Topic: 0, Count: 1, Bytes: 1), 20),
        ],
    ];
}
