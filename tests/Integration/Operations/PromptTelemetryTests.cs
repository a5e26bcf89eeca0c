using System.Collections.Concurrent;
using System.Text;
using Harness;
using Integration.Security;

namespace Integration.Operations;

public sealed class PromptTelemetryTests
{
    [Theory]
    [InlineData("Development", true)]
    [InlineData("Production", false)]
    public async Task The_exporter_gets_prompts_and_answers_in_Development_only(string environment, bool isExported)
    {
        var exports = new ConcurrentQueue<string>();
        await using var receiver = await OtlpReceiver.StartAsync(
            async body =>
            {
                using var text = new StreamReader(body, Encoding.UTF8);
                exports.Enqueue(await text.ReadToEndAsync());
            },
            TestContext.Current.CancellationToken
        );

        Dictionary<string, string> settings = new(SecureSystem.Settings)
        {
            ["ASPNETCORE_ENVIRONMENT"] = environment,
            ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        };
        // Constants, which only services within this process can have.
        settings.Remove("Security__RenewSeconds");
        settings.Remove("Limits__BodyGraceSeconds");

        foreach (var (name, value) in receiver.Settings)
            settings[name] = value;

        await using var system = await World.Start(o =>
            o.Broadcasters(0).Set(settings).ApiKey(SecureSystem.OperatorKey).AsProcesses()
        );

        using var answer = await SecureSystem.SendAsync(
            system.Replicas[0].Url,
            HttpMethod.Post,
            "/v1/chat/completions",
            body: new { model = "demo", messages = new[] { new { role = "user", content = "Weißt du es?" } } },
            key: SecureSystem.OperatorKey
        );
        var text = await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync();

        await Eventually.HoldsAsync(
            () => Exported("gen_ai.response.model"),
            "the span of the call is exported",
            () => text
        );
        Assert.Equal(isExported, Exported("gen_ai.input.messages"));
        Assert.Equal(isExported, Exported("Wei"));
        Assert.Equal(isExported, Exported("gen_ai.output.messages"));

        bool Exported(string text) => exports.Any(export => export.Contains(text, StringComparison.Ordinal));
    }
}
