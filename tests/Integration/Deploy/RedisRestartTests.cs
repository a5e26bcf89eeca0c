using System.Diagnostics;
using Harness;
using Harness.Deployments;
using Integration.Delivery;
using LocalServices;

namespace Integration.Deploy;

/// <summary>The Redis Cluster of <c>deploy/kubernetes/overlays/ha</c> on this machine: its own start command, with
/// loopback addresses for pods.</summary>
public sealed class RedisRestartTests : IAsyncDisposable
{
    private const int Nodes = 6;
    private const string Password = "secret";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("redis-pods-");
    private readonly List<Process> _pods = [];
    private readonly int _port = RedisCluster.Ports(1)[0];
    private LocalProgram? _server;
    private string _network = "";

    [Fact]
    public async Task A_cluster_whose_pods_all_return_with_other_addresses_becomes_whole_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has the addresses 127.0.0.0/8.");
        var missing = await RedisNode.MissingAsync();
        Assert.SkipWhen(missing is not null, missing ?? "");
        _server = LocalServices.Redis.LocalRedis.Find(Repository.PathOf(".local/tools"));
        WritePrograms();

        await StartAsync("127.81.0");
        // The job of the manifest; it fails if the nodes know each other before.
        var created = await AskAsync(
            0,
            ["--cluster", "create", .. Addresses(), "--cluster-replicas", "1", "--cluster-yes"]
        );
        Assert.Contains("All 16384 slots covered", created, StringComparison.Ordinal);
        await WaitUntilWholeAsync();

        await StopAsync();
        await StartAsync("127.82.0");
        await WaitUntilWholeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Delete(recursive: true);
    }

    private IEnumerable<string> Addresses() => Enumerable.Range(0, Nodes).Select(i => $"{_network}.{i + 1}:{_port}");

    private async Task StartAsync(string network)
    {
        _network = network;
        var container = Kustomization
            .Build(Repository.PathOf("deploy/kubernetes/overlays/ha"))
            .Single(o => o.Text("kind") == "StatefulSet")
            .At("spec.template.spec.containers.0")!;

        for (var i = 0; i < Nodes; i++)
        {
            var address = $"{network}.{i + 1}";
            var data = Path.Combine(_folder.FullName, $"redis-{i}");
            Directory.CreateDirectory(data);

            string Local(string text) =>
                text.Replace("$(POD_IP)", address, StringComparison.Ordinal)
                    .Replace("$(REDIS_PASSWORD)", Password, StringComparison.Ordinal)
                    .Replace("/data/", data + "/", StringComparison.Ordinal)
                    .Replace(" 6379", $" {_port}", StringComparison.Ordinal);

            var command = container.Items("command").Concat(container.Items("args")).Select(a => Local(a.Text()));
            string[] here = ["--bind", address, "--port", $"{_port}", "--dir", data, "--cluster-node-timeout", "1000"];
            var pod = Process.Start(Start([.. command, .. here], address))!;

            _pods.Add(pod);
            pod.OutputDataReceived += (_, _) => { };
            pod.BeginOutputReadLine(); // a full pipe would stop the server
        }

        for (var i = 0; i < Nodes; i++)
        {
            var node = i;
            await Eventually.HoldsAsync(async () => await AskAsync(node, "ping") == "PONG", "Redis answers");
        }
    }

    private async Task StopAsync()
    {
        foreach (var pod in _pods)
        {
            pod.Kill(entireProcessTree: true);
            await pod.WaitForExitAsync();
            pod.Dispose();
        }
        _pods.Clear();
    }

    private Task WaitUntilWholeAsync() =>
        Eventually.HoldsAsync(
            async () =>
            {
                for (var i = 0; i < Nodes; i++)
                {
                    var nodes = await AskAsync(i, "cluster", "nodes");
                    if (
                        nodes.Split(" connected").Length != Nodes + 1
                        || nodes.Contains("fail", StringComparison.Ordinal)
                    )
                        return false;
                    if (!(await AskAsync(i, "cluster", "info")).Contains("cluster_state:ok", StringComparison.Ordinal))
                        return false;
                }
                return true;
            },
            "every node is connected to every other"
        );

    private async Task<string> AskAsync(int node, params string[] command)
    {
        using var asking = Process.Start(Start(["redis-cli", .. command], $"{_network}.{node + 1}"))!;
        var output = await asking.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await asking.WaitForExitAsync(TestContext.Current.CancellationToken);
        return output.Trim();
    }

    private ProcessStartInfo Start(IReadOnlyList<string> command, string address)
    {
        var start = new ProcessStartInfo("/usr/bin/env", command) { RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["POD_IP"] = address;
        start.Environment["NETWORK"] = _network;
        start.Environment["REDISCLI_AUTH"] = Password;

        if (_server!.Libraries is { } libraries)
            start.Environment["LD_LIBRARY_PATH"] = libraries;

        return start;
    }

    /// <summary>Writes a pod's programs: Redis at its address, the cluster's DNS, and a shorter sleep.</summary>
    private void WritePrograms()
    {
        var cli = Path.Combine(Path.GetDirectoryName(_server!.File) ?? "", "redis-cli");
        Write("redis-server", $"exec {_server.File} \"$@\"");
        Write("redis-cli", $"exec {cli} -h \"$POD_IP\" -p {_port} \"$@\"");
        Write("getent", "n=${2#redis-}; echo \"$NETWORK.$((${n%.redis} + 1)) $2\"");
        Write("sleep", "exec /bin/sleep 0.2");

        void Write(string name, string script)
        {
            var file = Path.Combine(_folder.FullName, name);
            File.WriteAllText(file, $"#!/bin/sh\n{script}\n");
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
