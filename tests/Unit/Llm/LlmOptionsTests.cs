using LlmGateway;
using LlmGateway.Providers;

namespace Unit.Llm;

public sealed class LlmOptionsTests
{
    [Fact]
    public void The_wait_for_the_provider_leaves_time_to_send_the_head_within_250_ms() =>
        Assert.InRange(new LlmOptions().HeadMilliseconds, 1, 200);

    [Fact]
    public void A_silent_model_has_heartbeats_more_often_than_every_15_seconds() =>
        Assert.InRange(new LlmOptions().PingSeconds, 1, 14);

    [Theory]
    [InlineData(60)]
    [InlineData(3_600)]
    public void The_time_of_all_tries_is_a_minute_more_than_the_time_of_one(int seconds) =>
        Assert.Equal(seconds + 60, new ProviderOptions { FirstTokenSeconds = seconds }.FirstTokenTotalSeconds);
}
