using System.Net;
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
    public async Task Histograms_have_buckets_that_add_up()
    {
        var metrics = await MetricsSystem.EventuallyAsync(
            shared.World.ReplicaMetricsAsync,
            m => m.Sum("sse_server_delivery_duration_seconds_count") == MetricsSystem.Events * MetricsSystem.Readers
        );
        Assert.Equal("histogram", metrics.Types["sse_server_delivery_duration_seconds"]);
        var buckets = metrics.Samples.Where(s => s.Name == "sse_server_delivery_duration_seconds_bucket").ToList();
        Assert.True(buckets.Count > 10); // MetricsText has checked their order
        Assert.Equal(MetricsSystem.Events * MetricsSystem.Readers, buckets.Single(b => b.Labels["le"] == "+Inf").Value);
    }

    [Fact]
    public async Task Names_and_units_are_Prometheus_own()
    {
        var metrics = await shared.World.ReplicaMetricsAsync();
        Assert.Equal("gauge", metrics.Types["sse_server_active_connections"]);
        Assert.Equal("counter", metrics.Types["sse_server_resyncs_total"]);
        Assert.Equal("histogram", metrics.Types["store_append_duration_seconds"]);
        Assert.Contains("dotnet_process_memory_working_set_bytes", metrics.Names);
        var store = await MetricsSystem.EventuallyAsync(
            shared.World.BroadcasterMetricsAsync,
            m => m.Sum("store_log_size_bytes") > 0
        );
        Assert.True(store.Sum("store_log_limit_bytes") > store.Sum("store_log_size_bytes"));
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

    [Fact]
    public async Task The_services_own_address_does_not_serve_them()
    {
        using var http = new HttpClient();
        using var response = await http.GetAsync(
            new Uri(shared.World.Replica.Url, "/metrics"),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }
}
