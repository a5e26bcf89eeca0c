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
            m => m.Sum("broadcaster_relay_events_total") == MetricsSystem.Events
        );
        Assert.Equal((1, 1), (relay.Sum("broadcaster_leader"), relay.Sum("broadcaster_lease_acquired_total")));
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
}
