using LlmGateway;
using LlmGateway.Providers;

namespace Unit.Llm;

public sealed class LlmOptionsTests
{
    [Fact]
    public void The_wait_for_the_provider_leaves_time_to_send_the_head_within_250_ms() =>
        Assert.InRange(new LlmOptions().HeadMilliseconds, 1, 200);

    [Theory]
    [InlineData(60, 90, null)]
    [InlineData(60, 60, null)]
    [InlineData(
        120,
        90,
        "Llm:Providers:Local:FirstTokenTotalSeconds is 90; it must be at least FirstTokenSeconds, 120."
    )]
    public void The_time_of_all_tries_is_at_least_the_time_of_one(int one, int whole, string? wrong)
    {
        var options = new LlmOptions();
        options.Providers.Local.FirstTokenSeconds = one;
        options.Providers.Local.FirstTokenTotalSeconds = whole;
        Assert.Equal(wrong, new ValidateFirstToken().Validate(null, options).FailureMessage);
    }
}
