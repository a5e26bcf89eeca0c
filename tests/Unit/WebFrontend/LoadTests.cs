using LoadTests.Scenarios;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using WebFrontend.Load;
using WebFrontend.Status;

namespace Unit.WebFrontend;

public class LoadTests
{
    [Fact]
    public void The_page_offers_the_scenarios_that_the_load_tests_have_by_default() =>
        Assert.Equal(ScenarioCatalog.All.Where(s => s.InDefaultSet).Select(s => s.Name), LoadRequest.Scenarios);

    [Fact]
    public void A_request_names_each_field_that_is_out_of_bounds()
    {
        Assert.Empty(new LoadRequest("fanout", null, null, null).Problems());
        Assert.Equal(
            ["scenario", "clients", "rate", "seconds"],
            new LoadRequest("soak", 0, LoadRequest.MaxRate + 1, LoadRequest.MaxSeconds + 1).Problems().Keys
        );
        Assert.Equal(["scenario"], new LoadRequest("--chaos", 1, 1, 2).Problems().Keys);
    }

    [Fact]
    public void The_load_tests_get_the_requested_options() =>
        Assert.Equal(["churn", "--clients", "7", "--seconds", "9"], new LoadRequest("churn", 7, null, 9).Arguments());

    [Theory]
    [InlineData("Development", true)]
    [InlineData("Production", false)]
    [InlineData("Staging", false)]
    public void Only_in_Development_there_is_something_to_start(string environment, bool can)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?> { ["LoadTests:Program"] = typeof(LoadTests).Assembly.Location }
            )
            .Build();
        Assert.Equal(
            can,
            LoadTestsProgram
                .From(configuration, new Environment(environment), new StreamApiAddress("http://localhost:1"))
                .CanStart
        );
    }

    [Fact]
    public async Task A_late_reader_gets_the_whole_run_and_a_returning_one_the_missed_part()
    {
        var run = new LoadRun("1", new LoadRequest("fanout", null, null, null), DateTimeOffset.UnixEpoch);
        run.AddOutput("""{"progress":{"open":1}}""");
        var (events, more) = run.After(-1);
        Assert.Equal(["run", "progress"], events.Select(e => e.Type));
        run.AddOutput("no JSON");
        run.AddOutput("""{"scenario":"fanout","ok":true}""");
        await more!.WaitAsync(TestContext.Current.CancellationToken);
        run.End("passed");
        run.AddOutput("""{"progress":{"open":2}}""");
        Assert.Equal(["log", "result", "end"], run.After(1).Events.Select(e => e.Type));
        Assert.Null(run.After(1).More);
    }

    private sealed class Environment(string name) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = name;
        public string ApplicationName { get; set; } = "WebFrontend";
        public string ContentRootPath { get; set; } = "/";
        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
