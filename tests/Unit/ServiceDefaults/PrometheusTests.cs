using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Harness;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Unit.ServiceDefaults;

[Collection(ProcessWide.Name)]
public class PrometheusTests
{
    private const string Setting = "Telemetry:Prometheus:Url",
        Histograms = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";

    [Fact]
    public async Task The_metrics_are_at_the_configured_address_and_nothing_else_is()
    {
        var url = $"http://127.0.0.1:{FreePort.Take()}";
        await using var service = await Service.StartAsync(settings: (Setting, url));
        using var meter = new Meter("AspireSse.Tests");

        meter.CreateCounter<long>("test.events", "{event}").Add(3);
        meter.CreateHistogram<double>("test.wait", "s").Record(0.003);
        var metrics = MetricsText.Parse(await GetAsync($"{url}/metrics"));

        Assert.Equal(3, metrics.Sum("test_events_total"));
        Assert.Equal(
            (0, 1),
            (
                metrics.Sum("test_wait_seconds_bucket", ("le", "0.0025")),
                metrics.Sum("test_wait_seconds_bucket", ("le", "0.005"))
            )
        );

        foreach (var path in (string[])["/", "/health", "/metrics/x"])
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(url + path));

        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync($"{service.Url}/metrics"));
    }

    /// <summary>Prometheus 3 asks for names in UTF-8, with dots, which no alert and no dashboard uses.</summary>
    [Fact]
    public async Task Prometheus_itself_gets_the_same_names_and_the_trace_of_a_measurement_as_exemplar()
    {
        const string Accept =
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        var url = $"http://127.0.0.1:{FreePort.Take()}";
        await using var service = await Service.StartAsync(settings: (Setting, url));
        using var source = new ActivitySource("AspireSse.Tests");
        using var meter = new Meter("AspireSse.Tests");
        using var span = source.StartActivity();

        Assert.NotNull(span);
        meter.CreateHistogram<double>("test.wait", "s").Record(0.003);
        meter.CreateCounter<long>("test.events", "{event}").Add(1);

        var plain = MetricsText.Parse(await GetAsync($"{url}/metrics"));
        var (type, text) = await ScrapeAsync($"{url}/metrics", Accept);
        Assert.StartsWith("application/openmetrics-text; version=1.0.0", type, StringComparison.Ordinal);

        var metrics = MetricsText.Parse(text);
        Assert.Subset(metrics.Names.ToHashSet(), plain.Names.ToHashSet());
        var bucket = metrics.Samples.Single(s => s.Name == "test_wait_seconds_bucket" && s.ExemplarTraceId.Length > 0);

        Assert.Equal(("0.005", $"{span.TraceId}"), (bucket.Labels["le"], bucket.ExemplarTraceId));
    }

    [Fact]
    public async Task Without_the_setting_nothing_listens_for_Prometheus()
    {
        await using var service = await Service.StartAsync();
        Assert.DoesNotContain("MetricsServer", Hosted(service));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync($"{service.Url}/metrics"));

        await using var other = await Service.StartAsync(settings: (Setting, "http://127.0.0.1:0"));
        Assert.Contains("MetricsServer", Hosted(other));

        static IEnumerable<string> Hosted(Service service) =>
            service.Services.GetServices<IHostedService>().Select(s => s.GetType().Name);
    }

    [Theory]
    [InlineData(Setting, "9464")]
    [InlineData(Setting, "http://127.0.0.1")]
    [InlineData(Setting, "https://127.0.0.1:9464")]
    [InlineData(Setting, "http://127.0.0.1:9464/metrics")]
    [InlineData(Setting, "http://unix:/run/metrics.sock")]
    [InlineData(Setting, "http://127.0.0.1:{taken}")]
    [InlineData(Histograms, "http://127.0.0.1:0")] // exponential, which the text format has not
    public async Task What_Prometheus_could_not_read_is_refused_by_the_settings_name(string named, string url)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        url = url.Replace("{taken}", $"{((IPEndPoint)taken.LocalEndpoint).Port}", StringComparison.Ordinal);

        var histograms = named == Histograms ? "base2_exponential_bucket_histogram" : null;
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            Service.StartAsync(settings: [(Setting, url), (Histograms, histograms)])
        );
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_served_certificates_expiry_is_known_after_a_handshake()
    {
        using var key = RSA.Create(2048);
        var expires = DateTimeOffset.UtcNow.AddDays(9);
        using var made = new CertificateRequest(
            "CN=localhost",
            key,
            HashAlgorithmName.SHA256,
            RSASignaturePadding.Pkcs1
        ).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), expires);
        using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
        var url = $"http://127.0.0.1:{FreePort.Take()}";
        await using var service = await Service.StartAsync(
            builder =>
                builder.WebHost.ConfigureKestrel(k =>
                    k.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate))
                ),
            settings: (Setting, url)
        );
        const string Metric = "tls_server_certificate_expiry_timestamp_seconds";

        Assert.DoesNotContain(Metric, MetricsText.Parse(await GetAsync($"{url}/metrics")).Names);

        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(service.Url).Port, TestContext.Current.CancellationToken);
        await using var tls = new SslStream(socket.GetStream(), false, (_, served, _, _) => certificate.Equals(served));

        await tls.AuthenticateAsClientAsync("localhost");
        var metrics = MetricsText.Parse(await GetAsync($"{url}/metrics"));
        Assert.Equal(expires.ToUnixTimeSeconds(), metrics.Sum(Metric));
    }

    private static async Task<string> GetAsync(string url) => (await ScrapeAsync(url, "*/*")).Text;

    private static async Task<(string? Type, string Text)> ScrapeAsync(string url, string accept)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("Accept", accept);
        using var response = await http.GetAsync(new Uri(url), TestContext.Current.CancellationToken);

        response.EnsureSuccessStatusCode();
        return (
            response.Content.Headers.ContentType?.ToString(),
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
        );
    }

    private static async Task<HttpStatusCode> StatusAsync(string url)
    {
        using var http = new HttpClient();
        using var response = await http.GetAsync(new Uri(url), TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
