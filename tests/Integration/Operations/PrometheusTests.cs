using Harness;

namespace Integration.Operations;

/// <summary>The metrics as Prometheus reads them, of services that deliver events.</summary>
public sealed class PrometheusTests(AssemblyWide<MetricsSystem> shared) : IClassFixture<AssemblyWide<MetricsSystem>>
{
    [Fact]
    public async Task Metrics_count_the_published_and_delivered_events()
    {
        var metrics = await MetricsSystem.EventuallyAsync(
            shared.World.ReplicaMetricsAsync,
            m => m.Sum("sse_server_events_delivered_total") == MetricsSystem.Events * MetricsSystem.Readers
        );
        Assert.Equal(MetricsSystem.Readers, metrics.Sum("sse_server_active_connections"));
        Assert.Equal(MetricsSystem.Events, metrics.Sum("store_publish_duration_seconds_count"));
        Assert.Equal(MetricsSystem.Events, metrics.Sum("store_append_batch_sum"));
        Assert.Equal(
            MetricsSystem.Events,
            metrics.Sum(
                "http_server_request_duration_seconds_count",
                ("http_route", "/v1/events"),
                ("http_request_method", "POST"),
                ("http_response_status_code", "202")
            )
        );

        var relay = await MetricsSystem.EventuallyAsync(
            shared.World.BroadcasterMetricsAsync,
            m => m.Sum("broadcaster_leader") == 1
        );
        Assert.Equal(1, relay.Sum("broadcaster_lease_acquired_total"));
        // Those that the replica did not send itself.
        Assert.InRange(relay.Sum("broadcaster_relay_events_total"), 0, MetricsSystem.Events);
    }

    /// <summary>The alerts cannot fire for what no metric counts.</summary>
    [Theory]
    [InlineData("/v1/events/stream", 400)]
    [InlineData("/v1/generations/{id}/stream", 404)]
    [InlineData("/v1/chat/completions", 404)]
    [InlineData("/v1/messages", 400)]
    [InlineData("/api/chat", 400)]
    [InlineData("/agents/ag-ui", 400)]
    [InlineData("/v1/generations/", 400)]
    public async Task A_refused_stream_or_model_request_is_counted_by_its_status(string route, int status)
    {
        await MetricsSystem.EventuallyAsync(shared.World.ReplicaMetricsAsync, m => Requests(m, route, status) == 1);
    }

    /// <summary>Its response has begun with 200, so no status tells of it.</summary>
    [Fact]
    public async Task An_answer_that_fails_before_its_first_word_is_counted_by_its_error()
    {
        var metrics = await MetricsSystem.EventuallyAsync(
            shared.World.ReplicaMetricsAsync,
            m => m.Sum("gen_ai_client_operation_duration_seconds_count", ("error_type", "upstream")) == 1
        );
        Assert.Equal(0, Requests(metrics, "/v1/chat/completions", 502));
    }

    [Fact]
    public async Task An_open_stream_and_the_answer_of_a_model_are_no_durations()
    {
        var metrics = await MetricsSystem.EventuallyAsync(
            shared.World.ReplicaMetricsAsync,
            m => Requests(m, "/v1/messages", 400) == 1
        );
        foreach (var route in (string[])["/v1/events/stream", "/v1/chat/completions", "/v1/messages"])
            Assert.Equal(0, Requests(metrics, route, 200));

        // The readers, and the answer that fails.
        Assert.Equal(MetricsSystem.Readers + 1, metrics.Sum("sse_server_streams_opened_total"));
        Assert.Equal(2, metrics.Sum("gen_ai_client_operation_time_to_first_chunk_seconds_count"));
    }

    [Fact]
    public async Task The_resync_counter_exists_for_every_reason_before_it_counts()
    {
        var metrics = await shared.World.ReplicaMetricsAsync();
        foreach (var reason in (string[])["expired", "epoch", "future", "malformed"])
            Assert.Equal(
                0,
                metrics
                    .Samples.Single(s =>
                        s.Name == "sse_server_resyncs_total" && s.Labels.GetValueOrDefault("reason") == reason
                    )
                    .Value
            );
    }

    [Fact]
    public async Task The_seconds_without_an_answer_of_Postgres_are_a_gauge_of_both_services()
    {
        const string unanswered = "store_unanswered_seconds";
        foreach (
            var scrape in (Func<Task<MetricsText>>[])
                [shared.World.ReplicaMetricsAsync, shared.World.BroadcasterMetricsAsync]
        )
        {
            await MetricsSystem.EventuallyAsync(scrape, m => m.Samples.Single(s => s.Name == unanswered).Value == 0);
            shared.World.System.Postgres.Cut();

            try
            {
                await MetricsSystem.EventuallyAsync(scrape, m => m.Sum(unanswered) > 2);
            }
            finally
            {
                shared.World.System.Postgres.Heal();
            }

            await MetricsSystem.EventuallyAsync(scrape, m => m.Sum(unanswered) == 0);
        }
    }

    [Fact]
    public async Task No_series_names_a_client()
    {
        foreach (
            var metrics in (MetricsText[])
                [await shared.World.ReplicaMetricsAsync(), await shared.World.BroadcasterMetricsAsync()]
        )
        {
            Assert.NotEmpty(metrics.Samples);
            Assert.DoesNotContain(metrics.Samples, s => s.Labels.Keys.Any(IsOfClient));
            Assert.DoesNotContain(
                metrics.Samples,
                s => s.Labels.Values.Any(value => value.Contains(MetricsSystem.Topic, StringComparison.Ordinal))
            );
        }

        static bool IsOfClient(string label) =>
            label is "client_address" or "sse_connection_id" or "topic" or "enduser_id";
    }

    private static double Requests(MetricsText metrics, string route, int status) =>
        metrics.Sum(
            "http_server_request_duration_seconds_count",
            ("http_route", route),
            ("http_response_status_code", $"{status}")
        );
}
