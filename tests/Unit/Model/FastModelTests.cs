namespace Unit.Model;

/// <summary>A reader gets the events of its filter once and in order, and a resync only if its position is lost,
/// whatever happens in whatever order. Rings, lineages, start positions and messages are the real ones;
/// everything between them is simulated. ModelTests plays the whole system, more slowly.</summary>
public sealed class FastModelTests
{
    private const int Seeds = 1_000,
        SeedsForRare = 10 * Seeds;

    /// <summary>Bugs that need rare orders.</summary>
    private static readonly ModelBug[] Rare =
    [
        ModelBug.TakeFormerEpoch,
        ModelBug.PublishInAnyEpoch,
        ModelBug.RelayIgnoresRetention,
        ModelBug.ShowAnyPage,
    ];

    [Fact]
    public void A_thousand_orders_of_everything_show_every_reader_the_truth()
    {
        var received = 0;
        var resyncs = 0;
        var promotions = 0;
        var leftOut = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var world = Play(seed, ModelBug.None);
            received += world.Received;
            resyncs += world.Resyncs;
            promotions += world.Promotions;
            leftOut += world.LeftOut;
        }
        Assert.True(
            received > 30 * Seeds && resyncs > Seeds && promotions > Seeds && leftOut > Seeds / 10,
            $"little happened: {received} events, {resyncs} resyncs, {promotions} promotions, {leftOut} pages left out"
        );
    }

    [Theory]
    [InlineData(ModelBug.IgnorePrevious, ModelFlaw.Lost)]
    [InlineData(ModelBug.HeartbeatSettles, ModelFlaw.Lost)]
    [InlineData(ModelBug.TokenOfFirst, ModelFlaw.Lost)]
    [InlineData(ModelBug.ForgetLeftOut, ModelFlaw.Lost)]
    [InlineData(ModelBug.PublishTwice, ModelFlaw.Duplicate)]
    [InlineData(ModelBug.PublishOverGap, ModelFlaw.Lost)]
    [InlineData(ModelBug.CommonTooHigh, ModelFlaw.NoResync)]
    [InlineData(ModelBug.KeepOldRing, ModelFlaw.NoResync)]
    [InlineData(ModelBug.TakeFormerEpoch, ModelFlaw.Untrue)]
    [InlineData(ModelBug.PublishInAnyEpoch, ModelFlaw.Lost)]
    [InlineData(ModelBug.BelieveFormerPrimary, ModelFlaw.UntrueResync)]
    [InlineData(ModelBug.ResumeBeyondFork, ModelFlaw.NoResync)]
    [InlineData(ModelBug.ResumeInclusive, ModelFlaw.Duplicate)]
    [InlineData(ModelBug.SkipExpired, ModelFlaw.Lost)]
    [InlineData(ModelBug.FeedIgnoresRetention, ModelFlaw.Lost)]
    [InlineData(ModelBug.RelayIgnoresRetention, ModelFlaw.Lost)]
    [InlineData(ModelBug.ShowAnyPage, ModelFlaw.Lost)]
    [InlineData(ModelBug.StartWithoutReading, ModelFlaw.Lost)]
    [InlineData(ModelBug.IdTooFar, ModelFlaw.Lost)]
    internal void A_planted_bug_is_found_by_what_it_does(ModelBug bug, ModelFlaw flaw)
    {
        var seeds = Rare.Contains(bug) ? SeedsForRare : Seeds;
        for (var seed = 0; seed < seeds; seed++)
        {
            try
            {
                ModelWorld.Play(seed, bug);
            }
            catch (ModelException e) when (e.Flaw == flaw)
            {
                // Without the bug the same order is right, so the bug was found and no flaw of the model.
                Play(seed, ModelBug.None);
                return;
            }
            catch (ModelException) { }
        }
        Assert.Fail($"{seeds} seeds did not find {bug}.");
    }

    [Fact]
    public void Every_bug_is_planted()
    {
        var planted = typeof(FastModelTests)
            .GetMethod(
                nameof(A_planted_bug_is_found_by_what_it_does),
                System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic
            )!
            .GetCustomAttributes(typeof(InlineDataAttribute), inherit: false)
            .Select(a => (ModelBug)((InlineDataAttribute)a).Data[0]!);
        Assert.Equal(Enum.GetValues<ModelBug>().Where(b => b != ModelBug.None).Order(), planted.Order());
    }

    private static ModelWorld Play(int seed, ModelBug bug)
    {
        try
        {
            return ModelWorld.Play(seed, bug);
        }
        catch (ModelException e)
        {
            throw new Xunit.Sdk.XunitException($"seed {seed}: {e.Message}");
        }
    }
}
