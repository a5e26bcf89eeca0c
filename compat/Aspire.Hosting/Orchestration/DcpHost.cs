// Part of the stand-in for Aspire.Hosting: starts Aspire's own orchestrator (DCP, from the npm bundle). Not affiliated
// with Microsoft.
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Aspire.Hosting.Orchestration;

/// <summary>One run of DCP. DCP watches this process and stops
/// everything it started when the AppHost disappears.</summary>
internal static class DcpHost
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    // Variables for the AppHost alone. DCP's children inherit the rest of the environment.
    private static readonly string[] OwnVariables =
    [
        "ASPNETCORE_URLS",
        "ASPNETCORE_ENVIRONMENT",
        "DOTNET_ENVIRONMENT",
        "DOTNET_LAUNCH_PROFILE",
    ];

    /// <param name="dcp">The path of the orchestrator's program.</param>
    /// <param name="containerRuntime">The runtime that starts containers; null lets DCP choose.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    public static async Task<DcpClient> StartAsync(
        string dcp,
        string? containerRuntime,
        CancellationToken cancellationToken
    )
    {
        // Mode 700, because the folder holds the token. DCP deletes it when it ends.
        var session = Directory.CreateTempSubdirectory("aspire-dcp-").FullName;
        var kubeconfig = Path.Combine(session, "kubeconfig");
        var start = new ProcessStartInfo(dcp) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in Arguments(kubeconfig, containerRuntime))
            start.ArgumentList.Add(argument);
        start.Environment["DCP_SESSION_FOLDER"] = session;
        foreach (
            var name in start
                .Environment.Keys.Where(k =>
                    OwnVariables.Contains(k) || k.StartsWith("ASPIRE_", StringComparison.Ordinal)
                )
                .ToArray()
        )
            start.Environment.Remove(name);

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            throw new DistributedApplicationException(
                $"Aspire's orchestrator ({dcp}) could not be started: exit code {process.ExitCode}. "
                    + $"{(await error).Trim()} {(await output).Trim()}"
            );

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(StartTimeout);
        DcpClient? client = null;
        try
        {
            client = new DcpClient(await ReadKubeconfigAsync(kubeconfig, timeout.Token), session);
            await client.WaitUntilReadyAsync(timeout.Token);
            return client;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var problem = client?.Problem ?? $"it did not write {kubeconfig}";
            client?.Dispose();
            throw new DistributedApplicationException(
                $"Aspire's orchestrator ({dcp}) did not answer within {StartTimeout.TotalSeconds:0} s: {problem}. "
                    + "Start again; if it fails again, look for a security program that keeps it from listening on "
                    + "loopback."
            );
        }
    }

    internal static string[] Arguments(string kubeconfig, string? containerRuntime) =>
        [
            "start-apiserver",
            "--monitor",
            Environment.ProcessId.ToString(CultureInfo.InvariantCulture),
            // The interval in seconds at which DCP checks that the AppHost is still running.
            "-i",
            "1",
            "--detach",
            "--kubeconfig",
            kubeconfig,
            .. containerRuntime is { Length: > 0 } ? (string[])["--container-runtime", containerRuntime] : [],
        ];

    private static async Task<Kubeconfig> ReadKubeconfigAsync(string path, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (
                File.Exists(path)
                && await File.ReadAllTextAsync(path, cancellationToken) is var text
                && text.Contains("token:", StringComparison.Ordinal)
            )
            {
                string Value(string key) => Regex.Match(text, $@"{key}:\s*(\S+)").Groups[1].Value;
                return new(
                    new Uri(Value("server") + "/"),
                    Convert.FromBase64String(Value("certificate-authority-data")),
                    Value("token")
                );
            }
            await Task.Delay(20, cancellationToken);
        }
    }
}

internal sealed record Kubeconfig(Uri Server, byte[] CertificateAuthority, string Token);
