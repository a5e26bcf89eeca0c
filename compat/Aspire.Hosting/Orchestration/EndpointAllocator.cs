// Part of the stand-in for Aspire.Hosting: chooses the address of every
// endpoint before anything starts. Not affiliated with Microsoft.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Aspire.Hosting.Orchestration;

/// <summary>Maps proxied endpoints to DCP services: DCP listens on the port and spreads
/// connections over the replicas, each on its own port (<c>{{- portForServing
/// "streamapi-http" -}}</c>). An endpoint without proxy is the process's own port.</summary>
internal sealed class EndpointAllocator(IConfiguration configuration)
{
    private static readonly TimeSpan PortTimeout = TimeSpan.FromSeconds(30);

    // Below the ports that systems give to clients (Linux: from 32768), or a connection could have the port by the
    // time the process listens on it. LocalServices takes the ports before these.
    private const int FirstPort = 23_500,
        Ports = 1_500;

    private static readonly int PortOffset = Random.Shared.Next(Ports);
    private static int _portsTaken;

    /// <summary>Gives proxied endpoints a free port instead of their fixed one. The testing builder sets it.</summary>
    public bool RandomizePorts => configuration.GetValue<bool>("DcpPublisher:RandomizePorts");

    public static string ServiceName(IResource resource, EndpointAnnotation endpoint) =>
        $"{resource.Name}-{endpoint.Name}";

    /// <exception cref="DistributedApplicationException">Names every fixed port in use and its process.</exception>
    public void RequireFreePorts(IEnumerable<IResource> resources, int? resourceServicePort)
    {
        var wanted = resources.SelectMany(r =>
            r.Annotations.OfType<EndpointAnnotation>().Select(e => (Port: FixedPort(e), For: $"'{r.Name}' ({e.Name})"))
        );
        if (resourceServicePort is > 0)
            wanted = wanted.Append((resourceServicePort, "the dashboard's resource service"));
        var taken = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(l => l.Port).ToHashSet();
        var busy = wanted.Where(w => w.Port is { } port && taken.Contains(port)).ToArray();
        if (busy.Length == 0)
            return;
        var lines = busy.Select(b => $"  port {b.Port} for {b.For} is in use by {PortOwner.Describe(b.Port!.Value)}");
        throw new DistributedApplicationException(
            $"The application cannot start because {(busy.Length == 1 ? "a port is" : "ports are")} taken:\n"
                + $"{string.Join('\n', lines)}\n"
                + "Stop the processes that use them (is the application running already?), or start a second, empty "
                + "one on free ports: "
                + "dotnet run --project AppHost -- --ephemeral --DcpPublisher:RandomizePorts=true"
        );
    }

    public async Task AllocateAsync(
        DcpClient dcp,
        IEnumerable<IResource> resources,
        CancellationToken cancellationToken
    )
    {
        var endpoints = resources.SelectMany(r =>
            r.Annotations.OfType<EndpointAnnotation>().Select(e => (Resource: r, Endpoint: e))
        );
        await Task.WhenAll(
            endpoints.Select(async x =>
            {
                var (resource, endpoint) = x;
                if (!endpoint.IsProxied)
                {
                    var port = endpoint.Port ?? endpoint.TargetPort ?? FreePort();
                    endpoint.AllocatedEndpoint = new(
                        endpoint,
                        endpoint.TargetHost,
                        port,
                        Text(endpoint.TargetPort ?? port)
                    );
                    return;
                }
                var name = ServiceName(resource, endpoint);
                await dcp.CreateAsync(
                    "services",
                    new JsonObject
                    {
                        ["kind"] = "Service",
                        ["metadata"] = new JsonObject { ["name"] = name },
                        ["spec"] = new JsonObject
                        {
                            ["protocol"] = "TCP",
                            ["addressAllocationMode"] = "Localhost",
                            ["port"] = FixedPort(endpoint),
                        },
                    },
                    cancellationToken
                );
                var target = endpoint.TargetPort is { } fixedTarget
                    ? Text(fixedTarget)
                    : $"{{{{- portForServing \"{name}\" -}}}}";
                endpoint.AllocatedEndpoint = new(
                    endpoint,
                    endpoint.TargetHost,
                    await EffectivePortAsync(dcp, name, cancellationToken),
                    target
                );
            })
        );
    }

    /// <summary>Returns the annotation that tells DCP which proxied endpoints a process or container serves.</summary>
    public static string ServiceProducers(IResource resource) =>
        new JsonArray([
            .. resource
                .Annotations.OfType<EndpointAnnotation>()
                .Where(e => e.IsProxied)
                .Select(e =>
                {
                    var producer = new JsonObject
                    {
                        ["serviceName"] = ServiceName(resource, e),
                        ["address"] = e.TargetHost,
                    };
                    if (e.TargetPort is { } port)
                        producer["port"] = port;
                    return producer;
                }),
        ]).ToJsonString();

    private int? FixedPort(EndpointAnnotation endpoint) =>
        RandomizePorts && endpoint.IsProxied || endpoint.Port is null or 0 ? null : endpoint.Port;

    private static async Task<int> EffectivePortAsync(
        DcpClient dcp,
        string service,
        CancellationToken cancellationToken
    )
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(PortTimeout);
        JsonNode? status = null;
        try
        {
            while (true)
            {
                status = (await dcp.GetAsync("services", service, timeout.Token))?["status"];
                if ((int?)status?["effectivePort"] is > 0 and var port)
                    return port;
                await Task.Delay(20, timeout.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DistributedApplicationException(
                $"Aspire's orchestrator opened no port for {service} within {PortTimeout.TotalSeconds:0} s "
                    + $"({status?.ToJsonString() ?? "no status"}). Another start may have taken the port at the same "
                    + "moment: stop that one, or start again."
            );
        }
    }

    /// <summary>Returns a free port, another one at each call.</summary>
    internal static int FreePort()
    {
        for (var tried = 0; tried < Ports; tried++)
        {
            var port = FirstPort + (PortOffset + Interlocked.Increment(ref _portsTaken)) % Ports;
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            { /* another program listens there */
            }
        }
        throw new DistributedApplicationException(
            $"No port from {FirstPort} to {FirstPort + Ports - 1} is free. Stop the programs that use them."
        );
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Finds the process that listens on a port. Linux shows it in /proc, for the user's own processes.</summary>
internal static class PortOwner
{
    private static readonly string[] SocketTables = ["/proc/net/tcp", "/proc/net/tcp6"];

    public static string Describe(int port)
    {
        try
        {
            if (OperatingSystem.IsLinux() && FindProcess(port) is { } pid)
                return $"process {pid} ({File.ReadAllText($"/proc/{pid}/cmdline").Replace('\0', ' ').Trim()})";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process ended during the search.
        }
        return "another process";
    }

    private static int? FindProcess(int port)
    {
        //   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
        //    0: 0100007F:13D8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 51234
        var suffix = $":{port:X4}";
        var sockets = SocketTables
            .Where(File.Exists)
            .SelectMany(File.ReadLines)
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(f => f.Length > 9 && f[3] == "0A" && f[1].EndsWith(suffix, StringComparison.Ordinal))
            .Select(f => $"socket:[{f[9]}]")
            .ToHashSet();
        foreach (var process in Process.GetProcesses())
            using (process)
            {
                try
                {
                    if (
                        Directory
                            .EnumerateFiles($"/proc/{process.Id}/fd")
                            .Any(fd => new FileInfo(fd).LinkTarget is { } target && sockets.Contains(target))
                    )
                        return process.Id;
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // Another user's process, or one that ended.
                }
            }
        return null;
    }
}
