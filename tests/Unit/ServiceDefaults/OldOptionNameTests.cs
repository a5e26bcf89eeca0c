using Broadcaster;
using Harness.Worlds;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using StreamApi;

namespace Unit.ServiceDefaults;

/// <summary>The names that settings had in the version before.</summary>
public sealed class OldOptionNameTests
{
    [Theory]
    [InlineData("Streaming:MaxConnections", "AspireSse:Streaming:MaxConnections")]
    [InlineData("llm:providers:OpenAi:Models:0", "AspireSse:Llm:providers:OpenAi:Models:0")]
    [InlineData("Llm:DrainSeconds", "AspireSse:Runs:DrainSeconds")]
    [InlineData("Limits:GenerationsPerMinute", "AspireSse:Llm:GenerationsPerMinute")]
    [InlineData("Pools:Sse", "AspireSse:Pools:Sse")]
    public async Task An_old_name_is_read_and_the_log_says_the_new_one(string old, string name)
    {
        var (settings, log) = await StartAsync($"--{old}=7");

        Assert.Equal("7", settings[name]);
        Assert.Contains($"{old} is an old name", log, StringComparison.Ordinal);
        Assert.Contains($"Set {name} instead", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_new_name_of_a_setting_wins_and_the_old_one_is_still_named()
    {
        var (settings, log) = await StartAsync("--Runs:DrainSeconds=7", "--AspireSse:Runs:DrainSeconds=9");

        Assert.Equal("9", settings["AspireSse:Runs:DrainSeconds"]);
        Assert.Contains("Runs:DrainSeconds is an old name", log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Runs", "5")] // a variable that happens to have the name
    [InlineData("RunsElsewhere:DrainSeconds", "5")]
    [InlineData("Limits:PublishesPerSecond", "5")]
    [InlineData("Limits:GenerationsPerMinuteAndUser", "5")]
    [InlineData("AspireSse:Runs:DrainSeconds", "5")]
    public async Task Other_settings_are_left_alone(string key, string value)
    {
        var (_, log) = await StartAsync($"--{key}={value}");
        Assert.DoesNotContain("is an old name", log, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_old_name_leads_to_a_section_that_the_service_reads()
    {
        AssertRead(StreamApiOptions.OldNames.Values, StreamApiOptions.Sections(new ServiceCollection()));
        AssertRead(BroadcasterOptions.OldNames.Values, BroadcasterOptions.Sections);

        static void AssertRead(
            IEnumerable<string> names,
            IEnumerable<global::ServiceDefaults.OptionKeys.OptionSection> sections
        )
        {
            var keys = sections.SelectMany(section => section.Keys()).ToList();
            Assert.All(names, name => Assert.Contains(keys, key => $"{key}:".StartsWith($"{name}:")));
        }
    }

    private static async Task<(IConfiguration Settings, string Log)> StartAsync(params string[] settings)
    {
        var builder = Host.CreateApplicationBuilder(settings);
        builder.ReadOldNames(StreamApiOptions.OldNames);
        var log = new List<string>();
        builder.Services.AddSingleton<ILoggerProvider>(services => new LogLines(
            services.GetServices<ConsoleFormatter>().First(f => f.Name == ConsoleFormatterNames.Simple),
            log.Add
        ));

        using var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        await host.StopAsync(TestContext.Current.CancellationToken);
        return (builder.Configuration, string.Join('\n', log));
    }
}
