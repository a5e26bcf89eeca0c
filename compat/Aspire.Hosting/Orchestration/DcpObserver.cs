// Part of the stand-in for Aspire.Hosting: passes DCP's states, ports and logs
// to the notification and logger services. Not affiliated with Microsoft.
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Aspire.Hosting.Orchestration;

internal sealed class DcpObserver(
    DcpClient dcp,
    IReadOnlyDictionary<string, Instance> instances,
    ResourceNotificationService notifications,
    ResourceLoggerService loggers
)
{
    private readonly ConcurrentDictionary<string, byte> _logged = new();

    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(
            WatchAsync("executables", Apply, cancellationToken),
            WatchAsync("containers", Apply, cancellationToken),
            WatchAsync("endpoints", ApplyEndpoint, cancellationToken)
        );

    private async Task WatchAsync(
        string plural,
        Action<DcpEvent, CancellationToken> apply,
        CancellationToken cancellationToken
    )
    {
        await foreach (var change in dcp.WatchAsync(plural, cancellationToken))
            if (change.Type is "ADDED" or "MODIFIED")
                apply(change, cancellationToken);
    }

    private void ApplyEndpoint(DcpEvent change, CancellationToken cancellationToken)
    {
        // A process's own port: {"metadata":{"ownerReferences":[{"name":"streamapi-kqwzrtbn"}]},
        // "spec":{"serviceName":"streamapi-http","port":41237}}
        var owner = (string?)change.Object["metadata"]?["ownerReferences"]?[0]?["name"];
        if (owner is null || !instances.TryGetValue(owner, out var instance))
            return;
        var spec = change.Object["spec"]!;
        instance.Ports[(string)spec["serviceName"]!] = (int)spec["port"]!;
    }

    private void Apply(DcpEvent change, CancellationToken cancellationToken)
    {
        if (!instances.TryGetValue(change.Name, out var instance))
            return;
        // A deleted object is about to be created anew; its old state must not be published after the new one.
        if (change.Object["metadata"]?["deletionTimestamp"] is not null)
            return;
        var (status, asked) = (change.Object["status"], (bool?)change.Object["spec"]?["stop"] is true);
        if (asked)
            PublishStopping(instance);
        var state = StateOf(status, asked);
        notifications.PublishUpdateAsync(instance.Resource, instance.Id, s => Update(s, instance, status, state));
        if (state != KnownResourceStates.Starting && _logged.TryAdd(change.Uid, 0))
            foreach (var source in (string[])["system", "stdout", "stderr"])
                _ = FollowLogAsync(instance, source, cancellationToken);
    }

    private static string StateOf(JsonNode? status, bool asked) =>
        (string?)status?["state"] switch
        {
            null or "" or "Pending" or "Building" => KnownResourceStates.Starting,
            "Finished" or "Terminated" or "Exited" => (int?)status["exitCode"] is 0
                ? KnownResourceStates.Finished
                : KnownResourceStates.Exited,
            // Published as Stopping from the request on, so that nobody takes the end for an unexpected one.
            "Running" when asked => KnownResourceStates.Stopping,
            var other => other,
        };

    /// <summary>Publishes Stopping even when a restarted watch has missed that state.</summary>
    private void PublishStopping(Instance instance)
    {
        if (
            notifications.TryGetCurrentState(instance.Id, out var before)
            && before?.Snapshot.State?.Text == KnownResourceStates.Running
        )
            notifications.PublishUpdateAsync(
                instance.Resource,
                instance.Id,
                s => s with { State = new(KnownResourceStates.Stopping, null) }
            );
    }

    private static CustomResourceSnapshot Update(
        CustomResourceSnapshot before,
        Instance instance,
        JsonNode? status,
        string state
    )
    {
        var (exitCode, runs) = ((int?)status?["exitCode"], state == KnownResourceStates.Running);
        return before with
        {
            State = new(state, Style(state, exitCode)),
            ExitCode = state is "Finished" or "Exited" ? exitCode : null,
            StartTimeStamp = Time(status?["startupTimestamp"]) ?? before.StartTimeStamp,
            StopTimeStamp = Time(status?["finishTimestamp"]),
            EnvironmentVariables = Environment(instance, status),
            Properties = Properties(instance, status, exitCode),
            Urls = [.. before.Urls.Select(u => u with { IsInactive = !runs })],
            // A new process has not been checked yet.
            HealthReports = runs ? before.HealthReports : [.. before.HealthReports.Select(Unchecked)],
        };
    }

    private static HealthReportSnapshot Unchecked(HealthReportSnapshot report) =>
        report with
        {
            Status = null,
            LastRunAt = null,
            Description = null,
            ExceptionText = null,
        };

    private async Task FollowLogAsync(Instance instance, string source, CancellationToken cancellationToken)
    {
        var log = loggers.LogOf(instance.Id);
        try
        {
            await foreach (var line in dcp.LogsAsync(instance.Plural, instance.Id, source, cancellationToken))
                log.Add(line, source == "stderr");
        }
        catch (OperationCanceledException)
        {
            // The AppHost is stopping.
        }
    }

    private static ImmutableArray<EnvironmentVariableSnapshot> Environment(Instance instance, JsonNode? status)
    {
        var spec = instance.Spec?["spec"]?["env"]?.AsArray().Select(e => (string)e!["name"]!).ToHashSet() ?? [];
        var effective = status?["effectiveEnv"] as JsonArray ?? [];
        return
        [
            .. effective.Select(e => new EnvironmentVariableSnapshot(
                (string)e!["name"]!,
                (string?)e["value"],
                spec.Contains((string)e["name"]!)
            )),
        ];
    }

    private static ImmutableArray<ResourcePropertySnapshot> Properties(
        Instance instance,
        JsonNode? status,
        int? exitCode
    )
    {
        var spec = instance.Spec!["spec"]!;
        var args = (status?["effectiveArgs"] as JsonArray ?? []).Select(a => (string?)a).ToArray();
        var all = new List<ResourcePropertySnapshot>();
        if (instance.Resource is ContainerResource)
        {
            all.Add(new("container.image", (string?)spec["image"]));
            all.Add(new("container.id", (string?)status?["containerId"]));
            all.Add(new("container.args", string.Join(' ', args)) { IsSensitive = instance.HasSecretArguments });
        }
        else
        {
            if (instance.Resource is ProjectResource)
                all.Add(
                    new("project.path", instance.Resource.Annotations.OfType<ProjectOutput>().Single().ProjectPath)
                );
            all.Add(new("executable.path", (string?)spec["executablePath"]));
            all.Add(new("executable.workDir", (string?)spec["workingDirectory"]));
            all.Add(new("executable.args", string.Join(' ', args)) { IsSensitive = instance.HasSecretArguments });
            all.Add(new("executable.pid", (int?)status?["pid"]));
        }
        if (exitCode is not null)
            all.Add(new("resource.exitCode", exitCode));
        return [.. all.Where(p => p.Value is not null)];
    }

    private static string Style(string state, int? exitCode) =>
        state switch
        {
            "Running" => "success",
            "FailedToStart" => "error",
            "Exited" => exitCode is null or 0 ? "info" : "error",
            _ => "info",
        };

    private static DateTime? Time(JsonNode? value) =>
        DateTime.TryParse((string?)value, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : null;
}
