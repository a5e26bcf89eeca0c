using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using EventStore;
using Harness.Deployments;
using Unit.Build;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>Values on which the files for compose, systemd and Prometheus agree, with each other and the code. Drift
/// from the AppHost is found by Integration's DriftTests; <c>tests/Reliability -- compose</c> runs the system.
/// </summary>
public sealed partial class InvariantTests
{
    private const string Compose = "deploy/compose.yaml",
        Observability = "deploy/observability.yaml",
        HaProxy = "deploy/haproxy/haproxy.cfg";

    private static readonly Dictionary<string, Func<IEnumerable<string>>> Rules = new()
    {
        ["a secret of compose is generated and has no default"] = () =>
            from variable in Some(Variable().Matches(Read(Compose)))
            let name = variable.Groups["name"].Value
            where
                variable.Groups["required"].Success
                    ? !Read("deploy/compose-secrets").Contains($"\n{name}=", StringComparison.Ordinal)
                    : Secret().IsMatch(name) && variable.Groups["default"].Success
            select name,

        ["a variable of compose is in the docs or generated"] = () =>
            from file in (string[])[Compose, Observability]
            from variable in Some(Variable().Matches(Read(file)))
            let name = variable.Groups["name"].Value
            where !Read("docs/compose.md").Contains($"`{name}`", StringComparison.Ordinal)
            where !Read("deploy/compose-secrets").Contains($"\n{name}=", StringComparison.Ordinal)
            select name,

        // A second file replaces single variables, so an item of the operator's that shared a number with one of ours
        // would get the rights of the administrator's key.
        ["lists leave the low numbers to the operator"] = () =>
            from file in (string[])[Compose, "deploy/kubernetes/secrets.sh"]
            from item in Some(ListItem().Matches(Read(file)))
            where int.Parse(item.Groups[1].Value, CultureInfo.InvariantCulture) < 100
            select $"{file}: {item.Value.Trim()}",

        ["the operator's key of the docs has a low number, on both replicas"] = () =>
        {
            var example = OperatorsFile().Match(Read("docs/compose.md")).Groups[1].Value;
            var services = YamlFile.Parse(example).Single().Find("services")!;
            return from replica in (string[])["streamapi-1", "streamapi-2"]
                let variables = services.At($"{replica}.environment").Strings()
                where variables.Count == 0 || variables.Keys.Any(name => !name.StartsWith("Security__ApiKeys__0__"))
                select replica;
        },

        ["no log fills the disk"] = () =>
            from service in Services()
            where service.Value.At("logging.options.max-size") is null
            select service.Key.Text(),

        ["only the proxy is reached from other machines, and the dashboard from this one"] = () =>
            from service in Services()
            let ports = service.Value.Items("ports").Select(port => port.Text()).ToList()
            where service.Key.Text() != "proxy"
            where ports.Exists(port => !port.StartsWith("127.0.0.1:", StringComparison.Ordinal))
            select $"{service.Key.Text()}: {string.Join(' ', ports)}",

        ["nothing else of compose has a port"] = () =>
            from service in YamlFile.Read(PathOf(Compose)).Single().Map("services").Children
            where service.Value.Items("ports").Any() && service.Key.Text() is not ("proxy" or "dashboard")
            select service.Key.Text(),

        ["the answer of an unavailable system is valid and has Retry-After"] = () =>
        {
            var answer = Read("deploy/haproxy/unavailable.http");
            var body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
            return Missing(
                answer,
                "HTTP/1.1 503 ",
                "\r\nRetry-After: 1",
                $"\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}"
            );
        },

        // Otherwise HAProxy 2.6 keeps a connection on which it owes the body of a refused request, and the replica
        // takes another client's request for that body.
        ["HAProxy sends one request over a connection to a replica"] = () =>
            Missing(Read(HaProxy).Split("\ndefaults\n")[1].Split("\n\n")[0], "\n    option http-server-close\n"),

        // Otherwise a reader that has left is listed, and counted, for two heartbeats (tests/Proxies).
        ["HAProxy tells a replica at once that a reader has left"] = () =>
            Missing(Read(HaProxy).Split("\ndefaults\n")[1].Split("\n\n")[0], "\n    option abortonclose "),

        // Otherwise it cancels every sixth publish of HTTP/2 that it answers with 503, and curl then has no answer.
        ["HAProxy lets a body come before it refuses a publish"] = () =>
            Missing(
                Read(HaProxy).Split("\nbackend streamapi\n")[1].Split("\n\n")[0],
                "    http-request wait-for-body time 1s if { nbsrv eq 0 }\n"
            ),

        // Otherwise a Redis that hangs, which nobody needs, takes every replica out of the service.
        ["a probe of /health waits longer than the replica for Redis"] = () =>
            from probe in Some(CheckInterval().Matches(Read(HaProxy)))
                .Concat(Some(ReadinessTimeout().Matches(Read("deploy/kubernetes/base/streamapi.yaml"))))
            where
                int.Parse(probe.Groups[1].Value, CultureInfo.InvariantCulture) <= RedisHealthCheck.Timeout.TotalSeconds
            select probe.Value,

        ["the frontend's key reads no topic"] = () =>
            from file in (string[])[Compose, "deploy/kubernetes/secrets.sh", "deploy/systemd/streamapi.env"]
            from key in Some(FrontendKey().Matches(Read(file)))
            from right in (string[])["Subscribe", "Publish"]
            where Read(file).Contains($"ApiKeys__{key.Groups["number"].Value}__{right}", StringComparison.Ordinal)
            select $"{file}: {right}",

        ["Postgres accepts the connections of compose"] = () =>
            PostgresLimit.TooLow(
                ComposeFile
                    .Services(PathOf(Compose), image: new Dictionary<string, string>())
                    .Where(s => s.Name is "streamapi" or "broadcaster")
                    .Sum(s => s.Replicas),
                Read(Compose)
            ),
        ["Postgres accepts the connections of the units"] = () =>
            PostgresLimit.TooLow(UnitFileTests.DocumentedInstances().Count, Read("docs/bare-metal.md")),
        // Its publishers write the same arguments.
        ["Postgres accepts the connections of the AppHost"] = () =>
            from file in (string[])["ContainerStores.cs", "NativeStores.cs"]
            from problem in PostgresLimit.TooLow(4, Read($"libraries/LocalServices/Stores/{file}"))
            select $"{file}: {problem}",

        ["Prometheus reads services of compose"] = () =>
            Some(PrometheusAddress().Matches(Read("deploy/prometheus/prometheus.yml")))
                .Select(address => address.Groups["host"].Value)
                .Except(Services().Select(service => service.Key.Text())),

        // Otherwise a certificate expires unseen: the services behind the proxy have none. SseNotMeasured selects the
        // job's name.
        ["Prometheus reads the proxy's certificate with a module that the exporter has"] = () =>
            from file in (string[])["prometheus.yml", "systemd.yml"]
            let job = YamlFile
                .Read(PathOf($"deploy/prometheus/{file}"))
                .Single()
                .Items("scrape_configs")
                .Single(j => j.Text("metrics_path") == "/probe")
            let module = job.Find("params")!.Items("module").Single().Text()
            let modules = YamlFile.Read(PathOf("deploy/prometheus/blackbox.yml")).Single().Map("modules")
            where job.Text("job_name") != "certificate" || modules.At($"{module}.tcp.tls").Text() != "true"
            select file,

        // They differ only where the services do.
        ["every unit has the same hardening"] = () =>
            UnitFileTests
                .Files.Where(file => Path.GetExtension(file) == ".service")
                .GroupBy(file => Hardening().Match(File.ReadAllText(file)).Value)
                .Where((block, i) => i > 0 || !block.Key.Contains("SystemCallFilter=~@privileged"))
                .Select(block => string.Join(' ', block)),

        ["a unit waits longer than the drain, returns, and has files for its streams"] = () =>
        {
            var settings = UnitFiles
                .Settings(Path.Combine(UnitFileTests.Folder, "streamapi@.service"))
                .ToLookup(s => s.Key, s => s.Value);
            var seconds = int.Parse(settings["TimeoutStopSec"].Single(), CultureInfo.InvariantCulture);
            var files = int.Parse(settings["LimitNOFILE"].Single(), CultureInfo.InvariantCulture);
            string[] found = [$"{seconds} s", $"{files} files", .. settings["Restart"]];

            return seconds > 15 && files > new SseOptions().MaxConnections * 2 && found[^1] == "always" ? [] : found;
        },

        ["the docs name every unit file, and no unit that there is not"] = () =>
            UnitFileTests
                .Files.Select(file => Path.GetFileName(file))
                .Where(file => !Read("docs/bare-metal.md").Contains(file, StringComparison.Ordinal))
                .Concat(
                    from instance in Some(UnitFileTests.DocumentedInstances())
                    let file = instance[..(instance.IndexOf('@') + 1)] + ".service"
                    where !File.Exists(Path.Combine(UnitFileTests.Folder, file))
                    select file
                ),
    };

    public static TheoryData<string> Names => [.. Rules.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_files_of_a_deployment_keep_a_rule(string rule) => SourceFiles.AssertNone(Rules[rule]());

    [Theory]
    [InlineData("/health", true)]
    [InlineData("/ALIVE/", true)]
    [InlineData("/./health", true)]
    [InlineData("/%2e/health", true)]
    [InlineData("/x/%2E%2e/alive", true)]
    [InlineData("/health/.", true)]
    [InlineData("/%zz/../alive", true)]
    [InlineData("/health%2", true)]
    [InlineData("/v1/events/stream", false)]
    [InlineData("/sse/resilient/a..b", false)]
    public void HAProxy_passes_no_spelling_of_a_probe_on(string path, bool isRefused)
    {
        foreach (var section in (string[])["api", "pages"])
        {
            var rules = Denied().Matches(Read(HaProxy).Split($"\nfrontend {section}\n")[1].Split("\n\n")[0]);
            Assert.Equal(
                isRefused,
                rules.Any(r =>
                    (r.Groups["decoded"].Success ? Decoded(path) : path) is { } text
                    && Regex.IsMatch(text, r.Groups["pattern"].Value, RegexOptions.IgnoreCase)
                )
            );
        }
    }

    /// <summary>Decodes as HAProxy's <c>url_dec</c>, which gives nothing if an escape is malformed.</summary>
    private static string? Decoded(string path) => Malformed().IsMatch(path) ? null : Uri.UnescapeDataString(path);

    /// <summary>The services of both compose files.</summary>
    private static IEnumerable<KeyValuePair<YamlNode, YamlNode>> Services() =>
        ((string[])[Compose, Observability]).SelectMany(file =>
            Some(YamlFile.Read(PathOf(file)).Single().Map("services").Children)
        );

    private static IEnumerable<string> Missing(string text, params string[] parts) =>
        parts.Where(part => !text.Contains(part, StringComparison.Ordinal));

    /// <summary>Fails if there is nothing that a rule could be broken by.</summary>
    private static IEnumerable<T> Some<T>(IEnumerable<T> found)
    {
        Assert.NotEmpty(found);
        return found;
    }

    private static string PathOf(string file) => Path.Combine(Repository.Root, file);

    private static string Read(string file) => File.ReadAllText(PathOf(file));

    [GeneratedRegex(@"(?<!\$)\$\{(?<name>\w+)(?<required>:\?)?(:?-(?<default>[^}]*))?")]
    private static partial Regex Variable();

    [GeneratedRegex("PASSWORD|KEY|TOKEN")]
    private static partial Regex Secret();

    [GeneratedRegex(@"^\s+[A-Za-z]+__[A-Za-z]+__(\d+)", RegexOptions.Multiline)]
    private static partial Regex ListItem();

    [GeneratedRegex("```yaml\n(# deploy/compose.override.yaml.*?)```", RegexOptions.Singleline)]
    private static partial Regex OperatorsFile();

    [GeneratedRegex(@"ApiKeys__(?<number>\d+)__Name\W+(web)?frontend\b")]
    private static partial Regex FrontendKey();

    [GeneratedRegex(@"http-request deny .* path(?<decoded>,url_dec)? -m reg (-i )?'?(?<pattern>[^\s']+)'? }")]
    private static partial Regex Denied();

    [GeneratedRegex("%(?![0-9A-Fa-f]{2})")]
    private static partial Regex Malformed();

    [GeneratedRegex(@"\bcheck inter (\d+)s\b")]
    private static partial Regex CheckInterval();

    [GeneratedRegex(@"path: /health\n(?:\s+(?:port|periodSeconds): \w+\n)*\s+timeoutSeconds: (\d+)")]
    private static partial Regex ReadinessTimeout();

    [GeneratedRegex("\"(?<host>[a-z0-9-]+):\\d+\"")]
    private static partial Regex PrometheusAddress();

    [GeneratedRegex(@"# Hardening:.*?UMask=0077", RegexOptions.Singleline)]
    private static partial Regex Hardening();
}
