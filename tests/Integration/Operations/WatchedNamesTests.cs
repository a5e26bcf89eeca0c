using System.Text.Json;
using System.Text.RegularExpressions;
using Harness;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Operations;

/// <summary>
/// The dashboard and the alerts cannot drift from the services: every metric that they name is in a scrape.
/// </summary>
public sealed partial class WatchedNamesTests(AssemblyWide<MetricsSystem> shared)
    : IClassFixture<AssemblyWide<MetricsSystem>>
{
    /// <summary>Metrics of Prometheus itself, its node exporter, its blackbox exporter and the kubelet.</summary>
    private static readonly string[] Others =
    [
        "up",
        "node_filesystem_avail_bytes",
        "node_filesystem_size_bytes",
        "kubelet_volume_stats_available_bytes",
        "kubelet_volume_stats_capacity_bytes",
        "probe_ssl_earliest_cert_expiry",
        "probe_success",
        "tls_server_certificate_expiry_timestamp_seconds", // Unit's PrometheusTests; this system serves no HTTPS
    ];

    private static readonly string[] Words =
    [
        "and",
        "bool",
        "by",
        "group_left",
        "ignoring",
        "offset",
        "on",
        "or",
        "unless",
        "without",
    ];

    /// <summary>Labels that Prometheus gives to a series when it reads it.</summary>
    private static readonly string[] OfPrometheus = ["job", "instance", "namespace", "pod"];

    public static TheoryData<string> Files =>
        ["deploy/prometheus/alerts.yml", "deploy/grafana/dashboards/aspire-sse.json"];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_metric_that_is_watched_is_exported(string file)
    {
        var watched = Names(file);
        Assert.True(watched.Count > 5, string.Join(' ', watched));
        await MetricsSystem.EventuallyAsync(
            shared.World.BroadcasterMetricsAsync,
            m => m.Names.Contains("store_log_size_bytes")
        );

        // Some metrics are counted once a second.
        string[]? missing = null;
        await Record.ExceptionAsync(() =>
            Eventually.HoldsAsync(
                async () =>
                {
                    var replica = (await shared.World.ReplicaMetricsAsync()).Names;
                    var exported = replica.Union((await shared.World.BroadcasterMetricsAsync()).Names);
                    missing = [.. watched.Except(exported).Except(Others)];
                    return missing.Length == 0;
                },
                "every figure has been counted"
            )
        );
        Assert.NotNull(missing); // both services have been asked
        Assert.True(missing.Length == 0, $"{file} names what no service exports: {string.Join(' ', missing)}");
    }

    /// <summary>A label that no series has selects nothing, so the alert would stay silent.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_label_that_is_selected_is_exported(string file)
    {
        var selected = AllExpressions(file).SelectMany(e => Selector().Matches(e)).ToList();
        var services = (Func<Task<MetricsText>>[])
            [shared.World.ReplicaMetricsAsync, shared.World.BroadcasterMetricsAsync];
        var samples = new List<MetricSample>();
        foreach (var scrape in services)
            samples.AddRange((await scrape()).Samples);

        var seen = 0;
        foreach (var match in selected.Where(m => !Others.Contains(m.Groups["name"].Value)))
        {
            var metric = samples.Where(s => s.Name == match.Groups["name"].Value).ToList();
            foreach (Match matcher in Matcher().Matches(match.Groups["labels"].Value))
            {
                var (label, value) = (matcher.Groups["label"].Value, matcher.Groups["value"].Value);
                if (OfPrometheus.Contains(label))
                    continue;

                seen++;
                // A status that nobody was answered with has no series yet.
                var pattern = label == "http_response_status_code" ? ".*" : value;
                var whole = new Regex(matcher.Groups["operator"].Value == "=" ? Regex.Escape(value) : $"^({pattern})$");

                Assert.True(
                    metric.Exists(s => s.Labels.TryGetValue(label, out var exported) && whole.IsMatch(exported)),
                    $"{file}: no series has {match.Value}: {label}"
                );
            }
        }

        Assert.True(seen > 0 || file.EndsWith(".json", StringComparison.Ordinal), $"{file} selects no label");
    }

    /// <summary>A route that is renamed, or new, needs its place in the alert.</summary>
    [Fact]
    public async Task Every_route_that_asks_a_model_is_in_the_alert_of_refused_questions()
    {
        var alert = AllExpressions("deploy/prometheus/alerts.yml")
            .Single(e => e.Contains("/agents/ag-ui", StringComparison.Ordinal));
        var watched = new Regex($"^({Regex.Match(alert, @"http_route=~""([^""]*)""").Groups[1].Value})$");

        await using var system = await World.Start(o => o.Broadcasters(0));
        var routes = ((ServiceHost)system.Replicas[0])
            .Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<RequestKind>()?.Name == "generations")
            // As ASP.NET Core writes it into the label.
            .Select(endpoint => endpoint.Metadata.GetRequiredMetadata<IRouteDiagnosticsMetadata>().Route)
            .Distinct()
            .ToList();
        Assert.Contains("/api/chat", routes);
        Assert.DoesNotContain(routes, route => !watched.IsMatch(route));
    }

    [Fact]
    public void Every_alert_has_a_duration_a_severity_a_summary_and_a_section_in_the_runbook()
    {
        var alerts = Regex.Split(File.ReadAllText(Repository.PathOf("deploy/prometheus/alerts.yml")), @"(?=- alert: )")[
            1..
        ];
        var runbook = File.ReadAllText(Repository.PathOf("docs/runbook.md"));
        var tried = File.ReadAllText(Repository.PathOf("deploy/prometheus/alerts.test.yml"));

        Assert.True(alerts.Length > 8);

        foreach (var alert in alerts)
        {
            var name = Regex.Match(alert, @"- alert: (\w+)").Groups[1].Value;
            Assert.All(
                (string[])["expr:", "for:", "severity:", "summary:", $"runbook.md#{name.ToLowerInvariant()}\n"],
                part => Assert.Contains(part, alert, StringComparison.Ordinal)
            );
            Assert.Contains($"## {name}\n", runbook, StringComparison.Ordinal);

            // A label that the expression lost is an empty word in the page; promtool compares the text.
            if (alert.Contains("$labels.", StringComparison.Ordinal))
                Assert.Contains($"- alertname: {name}\n", tried, StringComparison.Ordinal);
        }
    }

    private static IEnumerable<string> AllExpressions(string file)
    {
        var text = File.ReadAllText(Repository.PathOf(file));
        return file.EndsWith(".json", StringComparison.Ordinal)
            ? Expressions(JsonDocument.Parse(text).RootElement)
            : Expression().Matches(text).Select(m => m.Groups["expr"].Value);
    }

    private static HashSet<string> Names(string file)
    {
        return
        [
            .. AllExpressions(file)
                .Select(e => Ignored().Replace(e, " "))
                .SelectMany(e => Name().Matches(e).Select(m => m.Value))
                .Except(Words),
        ];
    }

    private static IEnumerable<string> Expressions(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Array => element.EnumerateArray().SelectMany(Expressions),
            JsonValueKind.Object => element
                .EnumerateObject()
                .SelectMany(p => p.NameEquals("expr") ? [p.Value.GetString()!] : Expressions(p.Value)),
            _ => [],
        };

    /// <summary>An expression of a rule: on its line, or in the deeper lines below.</summary>
    [GeneratedRegex(@"^(?<indent> *)expr: (\|\n(?<expr>(\k<indent>  .*\n)+)|(?<expr>.*)\n)", RegexOptions.Multiline)]
    private static partial Regex Expression();

    /// <summary>A metric with matchers: <c>name{label="value", other=~"a|b"}</c>.</summary>
    [GeneratedRegex(@"(?<name>[a-z_][a-z0-9_:]*)\{(?<labels>[^}]*)\}")]
    private static partial Regex Selector();

    [GeneratedRegex(@"(?<label>\w+)\s*(?<operator>=~|=)\s*""(?<value>[^""]*)""")]
    private static partial Regex Matcher();

    /// <summary>Strings, selectors, ranges and the labels of groupings.</summary>
    [GeneratedRegex(@"\{[^}]*\}|\[[^\]]*\]|""[^""]*""|\b(by|without|on|ignoring|group_left)\s*\([^)]*\)")]
    private static partial Regex Ignored();

    /// <summary>A name that is not a function's, nor part of a number such as 1e9.</summary>
    [GeneratedRegex(@"(?<![\w.])[a-z_][a-z0-9_:]*(?![\w(])(?!\s*\()")]
    private static partial Regex Name();
}
