using Integration.Delivery;
using Integration.Security;
using Stack;

namespace Integration.Operations;

public sealed class PromptTelemetryTests(StackFixture stack)
{
    [Theory]
    [InlineData("Development", true)]
    [InlineData("Production", false)]
    public async Task The_exporter_gets_prompts_and_answers_in_Development_only(string environment, bool isExported)
    {
        await using var collector = await OtlpCollector.StartAsync();
        Dictionary<string, string> settings = new(SecureSystem.Settings)
        {
            ["ASPNETCORE_ENVIRONMENT"] = environment,
            ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true",
        };
        foreach (var (name, value) in collector.Settings)
            settings[name] = value;
        await using var system = await DeliverySystem.StartAsync(
            stack,
            broadcasters: 0,
            settings: settings,
            apiKey: SecureSystem.OperatorKey,
            inProcesses: true
        );

        using var answer = await SecureSystem.SendAsync(
            system.Replicas[0].Url,
            HttpMethod.Post,
            "/v1/chat/completions",
            body: new { model = "demo", messages = new[] { new { role = "user", content = "Weißt du es?" } } },
            key: SecureSystem.OperatorKey
        );
        var text = await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync();

        await DeliverySystem.EventuallyAsync(
            () => Task.FromResult(collector.Received.Contains("gen_ai.response.model", StringComparison.Ordinal)),
            "the span of the call is exported",
            () => text
        );
        Assert.Equal(isExported, collector.Received.Contains("gen_ai.input.messages", StringComparison.Ordinal));
        Assert.Equal(isExported, collector.Received.Contains("Wei", StringComparison.Ordinal));
        Assert.Equal(isExported, collector.Received.Contains("gen_ai.output.messages", StringComparison.Ordinal));
    }
}
