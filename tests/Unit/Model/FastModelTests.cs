namespace Unit.Model;

/// <summary>A reader gets the events of its filter once and in order, and a resync only if its position is lost,
/// whatever happens in whatever order. Rings, slots, lineages, start positions and messages are the real ones;
/// everything between them is simulated. ModelTests plays the whole system, more slowly.</summary>
public sealed class FastModelTests
{
    private const int Seeds = 1_000,
        MostSeeds = 10 * Seeds;

    [Fact]
    public void A_thousand_orders_of_everything_show_every_reader_the_truth()
    {
        var (received, resyncs, promotions) = (0, 0, 0);
        for (var seed = 0; seed < Seeds; seed++)
        {
            var world = Play(seed, ModelBug.None);
            received += world.Received;
            resyncs += world.Resyncs;
            promotions += world.Promotions;
        }
        Assert.True(
            received > 30 * Seeds && resyncs > Seeds && promotions > Seeds,
            $"little happened: {received} events, {resyncs} resyncs, {promotions} promotions"
        );
    }

    [Theory]
    [MemberData(nameof(Bugs))]
    public void A_planted_bug_is_found(string name)
    {
        var bug = Enum.Parse<ModelBug>(name);
        for (var seed = 0; seed < MostSeeds; seed++)
            try
            {
                ModelWorld.Play(seed, bug);
            }
            catch (ModelException)
            {
                return;
            }
        Assert.Fail($"{MostSeeds} seeds did not find {bug}.");
    }

    public static TheoryData<string> Bugs => [.. Enum.GetNames<ModelBug>().Where(n => n != nameof(ModelBug.None))];

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
