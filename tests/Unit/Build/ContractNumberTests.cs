namespace Unit.Build;

/// <summary>
/// Numbers that clients and operators rely on: defaults outside Development. docs/options.md has them from the code,
/// see <see cref="Deploy.OptionsPageTests"/>.
/// </summary>
public sealed class ContractNumberTests
{
    [Theory]
    [InlineData("AspireSse:Streaming:HeartbeatSeconds", "15")]
    [InlineData("AspireSse:Streaming:DeadSeconds", "300")]
    [InlineData("AspireSse:Streaming:MaxConnections", "20000")]
    [InlineData("AspireSse:Pools:<name>", "1000")]
    [InlineData("Events:MaxEventBytes", "1048576")]
    [InlineData("Limits:NewStreamsPerMinute", "60")]
    [InlineData("AspireSse:Runs:DrainSeconds", "8")]
    [InlineData("AspireSse:Llm:Providers:Demo:TokensPerSecond", "40")]
    public void The_default_is_the_number_of_the_contract(string option, string number) =>
        Assert.Contains(
            $"| `{option}` | {number} |",
            File.ReadAllText(Path.Combine(Repository.Root, "docs", "options.md")),
            StringComparison.Ordinal
        );
}
