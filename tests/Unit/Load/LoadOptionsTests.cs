using LoadTests;
using LoadTests.Targets;

namespace Unit.Load;

public class LoadOptionsTests
{
    [Theory]
    [InlineData("--size big", "smoke or full")]
    [InlineData("--target https://example.com", "http://localhost:5080")]
    [InlineData("--clients 0", "from 1 to 18000")]
    [InlineData("--seconds", "needs a value")]
    [InlineData("--chaos disk", "or streamapi or all or none")]
    [InlineData("--fault kill", "Give --chaos too")]
    [InlineData("--pids redis=2,redis=3", "once")]
    [InlineData("--fault 0", "kill")]
    [InlineData("--fault kill,stop", "kill or term or stop")] // not the last of the list
    [InlineData("--size +1", "smoke or full")]
    [InlineData("--topics demo.*", "separated by dots")]
    [InlineData("--reports ", "must name a folder")]
    [InlineData("--pids redis=1", "from 2")]
    [InlineData("--llm-upstream-port 0", "from 1 to 65535")]
    [InlineData("--verbose", "no option --verbose")]
    [InlineData("fanuot", "fanout")]
    public void Invalid_options_are_refused_with_the_way_out(string arguments, string wayOut) =>
        Assert.Contains(
            wayOut,
            Assert.Throws<LoadTestException>(() => LoadOptions.Parse(arguments.Split(' '))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Soak_runs_only_if_it_is_named()
    {
        Assert.DoesNotContain("soak", LoadOptions.Parse([]).Scenarios);
        Assert.Contains("fanout", LoadOptions.Parse([]).Scenarios);
        Assert.Equal(["soak", "fanout"], LoadOptions.Parse(["soak,fanout"]).Scenarios);
    }

    [Fact]
    public void All_faults_are_injected_in_turn_with_Postgres_last() =>
        Assert.Equal(
            [ChaosTarget.Redis, ChaosTarget.Broadcaster, ChaosTarget.StreamApi, ChaosTarget.Postgres],
            LoadOptions.Parse(["--chaos", "all"]).Chaos
        );
}
