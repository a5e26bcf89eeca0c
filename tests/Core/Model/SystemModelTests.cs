using CsCheck;

namespace Core.Model;

/// <summary>
/// A reader gets the events of its filter once and in order, and a resync only if its position is lost, whatever
/// happens in whatever order. Relay, queue, feed, rings and writer loop are the product's own; only what they read and
/// write is simulated. <c>ModelTests</c> plays the whole system, more slowly.
/// </summary>
/// <remarks>With <c>CsCheck_Iter=100000</c> in the environment it plays so many others. A failure prints its seed, for
/// <c>CsCheck_Seed</c>.</remarks>
public sealed class SystemModelTests
{
    // So many that what happens in them is well above the least below.
    private const int Worlds = 5_000;

    /// <summary>True if the environment says how many worlds to play.</summary>
    private static readonly bool IsByHand = Environment.GetEnvironmentVariable("CsCheck_Iter") is not null;

    [Fact]
    public void Thousands_of_worlds_show_every_reader_the_truth()
    {
        var received = 0;
        var resyncs = 0;
        var promotions = 0;
        var earlier = 0;
        var heard = 0;
        var leftOut = 0;
        var givenUp = 0;
        var skips = 0;
        var worlds = 0;

        ModelStep.Some.Sample(
            steps =>
            {
                var world = ModelWorld.Play(steps);
                Interlocked.Increment(ref worlds);
                Interlocked.Add(ref received, world.Received);
                Interlocked.Add(ref resyncs, world.Resyncs);
                Interlocked.Add(ref promotions, world.Promotions);
                Interlocked.Add(ref skips, world.Skips);
                Interlocked.Add(ref earlier, world.Earlier);
                Interlocked.Add(ref heard, world.Heard);
                Interlocked.Add(ref leftOut, world.LeftOut);
                Interlocked.Add(ref givenUp, world.GivenUp);
            },
            seed: IsByHand ? null : "0N0XIzNsQ0O2",
            iter: IsByHand ? -1 : Worlds
        );

        Assert.True(
            received > 15 * worlds
                && resyncs > worlds
                && promotions > worlds
                && skips > worlds / 20
                && earlier > worlds
                && heard > worlds / 10
                && leftOut > worlds / 20
                && givenUp > 0,
            $"little happened in {worlds} worlds: {received} events, {resyncs} resyncs, {promotions} promotions, "
                + $"{skips} skips, {earlier} direct pages, {heard} heard, {leftOut} pages left out, {givenUp} reads "
                + "given up"
        );
    }
}
