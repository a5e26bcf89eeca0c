using System.Diagnostics;
using System.Diagnostics.Metrics;
using Harness;
using LlmGateway;
using LlmGateway.Providers;
using LlmGateway.Telemetry;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Unit.Llm;

/// <summary>Telemetry of one answer, by OpenTelemetry's conventions for generative AI.</summary>
public sealed class TelemetryTests : IDisposable
{
    private const string Secret = "the patient's name is Ann",
        Key = "sk-very-secret";

    private readonly string _model = $"model-{Guid.NewGuid():N}";
    private readonly ManualTime _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly List<(string Name, double Value, Dictionary<string, object?> Tags)> _measured = [];
    private readonly List<Activity> _spans = [];
    private readonly MeterListener _meters = new();
    private readonly ActivityListener _activities;

    public TelemetryTests()
    {
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "AspireSse.Llm")
                listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        _meters.Start();
        ActivitySource.AddActivityListener(
            _activities = new ActivityListener
            {
                ShouldListenTo = source => source.Name == "AspireSse.Llm",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = span =>
                {
                    lock (_spans)
                        if (span.DisplayName.EndsWith(_model, StringComparison.Ordinal))
                            _spans.Add(span);
                },
            }
        );
    }

    [Fact]
    public async Task An_answer_has_one_span_its_times_and_tokens_and_none_of_its_text()
    {
        await AnswerAsync(SayAsync());
        var span = Assert.Single(_spans);
        Assert.Equal(($"chat {_model}", ActivityKind.Client), (span.DisplayName, span.Kind));

        Dictionary<string, object?> expected = new()
        {
            ["gen_ai.operation.name"] = "chat",
            ["gen_ai.provider.name"] = "openai",
            ["gen_ai.request.model"] = _model,
            ["gen_ai.request.stream"] = true,
            ["gen_ai.request.max_tokens"] = 99,
            ["gen_ai.response.model"] = "model-1",
            ["gen_ai.response.id"] = "r1",
            ["gen_ai.usage.input_tokens"] = 7L,
            ["gen_ai.usage.output_tokens"] = 2L,
            ["gen_ai.response.time_to_first_chunk"] = 0.5,
        };
        foreach (var (name, value) in expected)
            Assert.Equal((name, value), (name, span.GetTagItem(name)));

        Assert.Equal(["stop"], (string[])span.GetTagItem("gen_ai.response.finish_reasons")!);

        Assert.Equal(0.5, One("gen_ai.client.operation.time_to_first_chunk"));
        Assert.Equal(0.25, One("gen_ai.client.operation.time_per_output_chunk"));
        Assert.Equal(0.75, One("gen_ai.client.operation.duration"));
        Assert.Equal(4, One("llm.gateway.output.rate"));
        Assert.Equal(
            [("input", 7.0), ("output", 2.0)],
            _measured
                .Where(m => m.Name == "gen_ai.client.token.usage")
                .Select(m => ((string)m.Tags["gen_ai.token.type"]!, m.Value))
                .Order()
        );

        Assert.All(
            _measured,
            m =>
                Assert.Equal(
                    ("chat", "openai", _model),
                    (
                        (string)m.Tags["gen_ai.operation.name"]!,
                        (string)m.Tags["gen_ai.provider.name"]!,
                        (string)m.Tags["gen_ai.request.model"]!
                    )
                )
        );
        NothingSaid();
    }

    [Fact]
    public async Task A_failure_has_a_machine_readable_reason_and_not_the_providers_message()
    {
        await Assert.ThrowsAsync<UpstreamException>(() => AnswerAsync(FailAsync()));
        var span = Assert.Single(_spans);
        Assert.Equal(
            (ActivityStatusCode.Error, "overloaded", "overloaded"),
            (span.Status, span.StatusDescription, (string)span.GetTagItem("error.type")!)
        );

        Assert.Equal(
            "overloaded",
            _measured.Single(m => m.Name == "gen_ai.client.operation.duration").Tags["error.type"]
        );
        NothingSaid();
    }

    [Fact]
    public void Clients_cannot_fill_the_metrics_with_names_of_models()
    {
        var names = new ModelNames(["configured"]);
        var kept = Enumerable.Range(0, 10 * ModelNames.MaxOthers).Select(i => names.Of($"demo-{i}")).ToHashSet();
        Assert.Equal(ModelNames.MaxOthers + 1, kept.Count);
        Assert.Contains(ModelNames.Other, kept);
        Assert.Equal("configured", names.Of("configured"));
        Assert.Equal("demo-0", names.Of("demo-0"));
    }

    private Task<ChatResponse> AnswerAsync(IAsyncEnumerable<ChatResponseUpdate> updates)
    {
        var client = new TelemetryChatClient(
            new ScriptedChatClient((_, _, _) => updates),
            ProviderAnswers.Provider(new ProviderOptions(), _time, "openai"),
            new ChatMetrics(_services.GetRequiredService<IMeterFactory>())
        );
        return client.GetResponseAsync(
            Secret,
            new ChatOptions { ModelId = _model, MaxOutputTokens = 99 },
            TestContext.Current.CancellationToken
        );
    }

    private async IAsyncEnumerable<ChatResponseUpdate> SayAsync()
    {
        await Task.CompletedTask;
        _time.Advance(TimeSpan.FromSeconds(0.5));
        yield return new ChatResponseUpdate(ChatRole.Assistant, Secret) { ResponseId = "r1", ModelId = "model-1" };
        _time.Advance(TimeSpan.FromSeconds(0.25));
        yield return new ChatResponseUpdate(ChatRole.Assistant, Secret);
        yield return new ChatResponseUpdate
        {
            FinishReason = ChatFinishReason.Stop,
            Contents = [new UsageContent(new UsageDetails { InputTokenCount = 7, OutputTokenCount = 2 })],
        };
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> FailAsync()
    {
        await Task.CompletedTask;
        if (Secret.Length > 0)
            throw new UpstreamException(503, "overloaded", $"cannot answer '{Secret}' for {Key}");
        yield break;
    }

    private double One(string name) => Assert.Single(_measured, m => m.Name == name).Value;

    private void NothingSaid()
    {
        var all = _spans
            .SelectMany(s =>
                s.TagObjects.Select(t => $"{t.Value}")
                    .Append(s.StatusDescription)
                    .Concat(s.Events.SelectMany(e => e.Tags.Select(t => $"{t.Value}")))
            )
            .Concat(_measured.SelectMany(m => m.Tags.Values.Select(v => $"{v}")));
        Assert.All(
            all,
            text =>
                Assert.False(
                    text?.Contains("Ann", StringComparison.Ordinal) == true
                        || text?.Contains(Key, StringComparison.Ordinal) == true,
                    text
                )
        );
    }

    private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var named = tags.ToArray().ToDictionary(t => t.Key, t => t.Value);
        lock (_measured)
            if (Equals(named.GetValueOrDefault("gen_ai.request.model"), _model))
                _measured.Add((instrument.Name, value, named));
    }

    public void Dispose()
    {
        _meters.Dispose();
        _activities.Dispose();
        _services.Dispose();
    }
}
