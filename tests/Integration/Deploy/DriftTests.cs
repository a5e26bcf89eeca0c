using System.Text.RegularExpressions;
using Harness;
using Harness.Deployments;

namespace Integration.Deploy;

/// <summary>The deployments run what the AppHost runs: the same services, arguments, replica counts, ports and
/// variables. <see cref="KnownDifferences"/> lists what they do differently, and why.</summary>
public sealed partial class DriftTests(AppHostModel appHost) : IClassFixture<AppHostModel>
{
    public static TheoryData<string> Deployments => [.. DeploymentFiles.Names];

    [Theory]
    [MemberData(nameof(Deployments))]
    public void A_deployment_differs_from_the_AppHost_only_where_it_is_meant_to(string deployment)
    {
        var (missing, added) = Drift(deployment);
        var found = missing
            .Where(m => !KnownDifferences.OnlyInTheAppHost.Any(d => d.Covers(deployment, m.Service, m.Fact)))
            .Select(m => $"{m.Service}: only the AppHost has {m.Fact}")
            .Concat(
                added
                    .Where(a => !KnownDifferences.OnlyInDeployments.Any(d => d.Covers(deployment, a.Service, a.Fact)))
                    .Select(a => $"{a.Service}: only {deployment} has {a.Fact}")
            );
        Assert.True(!found.Any(), string.Join('\n', found));
    }

    /// <summary>A difference that is gone does not stay in the list, where it would cover the next one.</summary>
    [Fact]
    public void Every_listed_difference_exists()
    {
        var drifts = DeploymentFiles.Names.Select(name => (Name: name, Drift: Drift(name))).ToList();
        Assert.DoesNotContain(
            KnownDifferences.OnlyInTheAppHost,
            d => !drifts.Exists(x => x.Drift.Missing.Any(m => d.Covers(x.Name, m.Service, m.Fact)))
        );

        Assert.DoesNotContain(
            KnownDifferences.OnlyInDeployments,
            d => !drifts.Exists(x => x.Drift.Added.Any(a => d.Covers(x.Name, a.Service, a.Fact)))
        );
    }

    [Theory]
    [MemberData(nameof(Deployments))]
    public void A_service_finds_the_others_at_the_ports_that_they_listen_on(string deployment)
    {
        var files = DeploymentFiles.Read(deployment);
        var addresses = files
            .Services.SelectMany(s => s.Environment)
            .Where(v => v.Key.StartsWith("services__", StringComparison.Ordinal) || v.Key == "Replicas__Url")
            .Select(v => new Uri(v.Value).Authority)
            .ToList();
        Assert.NotEmpty(addresses);
        Assert.Empty(addresses.Except(files.Addresses));

        foreach (var service in files.Services)
            if (service.Environment.TryGetValue("ASPNETCORE_URLS", out var urls) && !urls.EndsWith(":%i"))
                Assert.Contains(urls.Split(':')[^1], service.Ports);
    }

    /// <summary>An address of a single replica would fail whenever that one restarts.</summary>
    [Theory]
    [MemberData(nameof(Deployments))]
    public void The_frontend_reaches_every_replica(string deployment)
    {
        var files = DeploymentFiles.Read(deployment);
        var frontend = files.Services.Single(s => s.Name == "webfrontend").Environment;

        foreach (var service in files.Services.Where(s => s.Name is "streamapi" or "broadcaster"))
        {
            var named = frontend
                .Where(v => v.Key.StartsWith($"services__{service.Name}__http__", StringComparison.Ordinal))
                .Select(v => new Uri(v.Value))
                .ToList();
            Assert.NotEmpty(named);

            var single = named.Where(IsOfOneReplica).ToList();
            // Signed-in visitors' requests go to the first address only.
            Assert.True(
                single.Count == 0 || (single.Count == service.Replicas && service.Name != "streamapi"),
                string.Join(' ', named)
            );

            bool IsOfOneReplica(Uri address) =>
                address.Host == "localhost"
                    ? service.Ports.Contains($"{address.Port}")
                    : address.Host.StartsWith(service.Name + "-", StringComparison.Ordinal);
        }
    }

    /// <summary>Behind a proxy that ends TLS; otherwise cookies are not <c>Secure</c> and pages have no
    /// HSTS.</summary>
    [Theory]
    [MemberData(nameof(Deployments))]
    public void The_frontend_knows_that_its_visitors_use_TLS(string deployment)
    {
        var frontend = DeploymentFiles.Read(deployment).Services.Single(s => s.Name == "webfrontend");
        Assert.Equal("true", frontend.Environment.GetValueOrDefault("ASPNETCORE_FORWARDEDHEADERS_ENABLED"));
    }

    /// <summary>The base has no stores; its overlays add them.</summary>
    [Theory]
    [InlineData("compose")]
    [InlineData("kubernetes/ha")]
    [InlineData("kubernetes/one-node")]
    public void The_stores_are_parts_of_the_deployment(string deployment)
    {
        var files = DeploymentFiles.Read(deployment);
        var hosts = files
            .Services.SelectMany(s => s.Environment)
            .Where(v => Store().IsMatch(v.Key))
            .SelectMany(v => Host().Matches(v.Value))
            .Select(m => m.Groups["host"].Value.Split('.')[^1])
            .Distinct()
            .ToList();
        Assert.True(hosts.Count >= 2, string.Join(", ", hosts));
        Assert.Empty(hosts.Except(files.Hosts));
    }

    [Fact]
    public void The_proxy_and_Prometheus_of_compose_know_every_replica()
    {
        var addresses = DeploymentFiles.Read("compose").Addresses;
        foreach (var service in appHost.Services.Where(s => s.Name is "streamapi" or "webfrontend" or "broadcaster"))
        {
            var replicas = addresses.Where(a => a.StartsWith(service.Name, StringComparison.Ordinal)).Order().ToList();
            Assert.Equal(service.Replicas, replicas.Count);

            if (service.Name != "broadcaster")
                Assert.Equal(replicas, DeploymentFiles.ProxyServers(service.Name).Order());

            Assert.Equal(
                replicas.Select(r => r.Split(':')[0]),
                DeploymentFiles.PrometheusTargets(service.Name).Select(t => t.Split(':')[0]).Order()
            );
        }
    }

    /// <summary>On one machine the ports are the AppHost's, so that docs, proxy and bookmarks fit both.</summary>
    [Fact]
    public void Nginx_passes_to_the_AppHosts_port() =>
        Assert.Contains(
            $"server 127.0.0.1:{appHost.Services.Single(s => s.Name == "streamapi").Ports[0]} ",
            File.ReadAllText(Repository.PathOf("deploy/nginx.conf")),
            StringComparison.Ordinal
        );

    private (IReadOnlyList<Part> Missing, IReadOnlyList<Part> Added) Drift(string deployment)
    {
        var there = appHost.Services.SelectMany(Parts).Where(IsHeld).ToHashSet();
        var here = DeploymentFiles.Read(deployment).Services.SelectMany(Parts).Where(IsHeld).ToHashSet();
        return ([.. there.Except(here)], [.. here.Except(there)]);

        bool IsHeld(Part part) =>
            !KnownDifferences.OfTheOrchestrator.Any(d => d.Covers(deployment, part.Service, part.Fact));
    }

    private static IEnumerable<Part> Parts(DeployedService service) =>
        service
            .Ports.Select(port => $"port {port}")
            .Concat(service.Environment.Keys.Select(name => $"variable {Index().Replace(name, "__n")}"))
            .Append($"replicas {service.Replicas}")
            .Append($"arguments '{service.Arguments}'")
            .Select(fact => new Part(service.Name, fact));

    private sealed record Part(string Service, string Fact);

    /// <summary>The number of a list's item: two replicas are two addresses.</summary>
    [GeneratedRegex(@"__\d+(?=__|$)")]
    private static partial Regex Index();

    [GeneratedRegex("^(ConnectionStrings__(eventstore|redis)|REDIS_SERVERS)$")]
    private static partial Regex Store();

    /// <summary>The host of <c>Host=postgres;…</c> or of <c>redis:6379</c>.</summary>
    [GeneratedRegex(@"Host=(?<host>[\w.-]+)|(?<=^|,)(?<host>[\w.-]+):\d+")]
    private static partial Regex Host();
}
