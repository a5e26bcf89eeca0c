using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LocalServices.Supervision;

/// <summary>Reports on the console why the stack does not start: the resource, its last lines, the resources that wait
/// for it, and the advice. The dashboard shows this too, but is not opened for a stack that does not start.</summary>
internal sealed partial class FailureReport(
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    DistributedApplicationModel model,
    IHostApplicationLifetime lifetime,
    FailureReportOptions options,
    TimeProvider clock,
    ILogger<DistributedApplication> logger
) : BackgroundService
{
    private static readonly TimeSpan LogTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RepeatInterval = TimeSpan.FromMinutes(1);
    private const int LastLines = 12;
    private readonly Dictionary<string, string?> _states = [];
    private readonly ConcurrentDictionary<string, DateTimeOffset> _reported = new();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        notifications.ObserveAsync(Observe, lifetime, stoppingToken);

    private void Observe(ResourceEvent change, CancellationToken stopping)
    {
        var now = change.Snapshot.State?.Text;
        var before = _states.GetValueOrDefault(change.ResourceId);
        if (now == before || change.Resource.Annotations.OfType<ExplicitStartupAnnotation>().Any())
            return;

        _states[change.ResourceId] = now;
        if (now is null)
            return;

        if (now == KnownResourceStates.Starting || now == KnownResourceStates.Running)
            _ = WatchStartAsync(change, now, stopping);
        // A requested end passes through Stopping, an unexpected one does not.
        else if (before != KnownResourceStates.Stopping && FailureOf(change.Snapshot) is { } failure)
            _ = ReportAsync(change, failure, stopping);
    }

    /// <summary>Reports a start that takes too long, such as an image
    /// that is being pulled or a server that does not answer.</summary>
    private async Task WatchStartAsync(ResourceEvent change, string state, CancellationToken stopping)
    {
        try
        {
            await Task.Delay(options.StartTimeout, clock, stopping);
            if (!notifications.TryGetCurrentState(change.ResourceId, out var current))
                return;

            if (current!.Snapshot.State?.Text != state)
                return;

            var since = $"for {options.StartTimeout.TotalSeconds:0} s";

            if (state == KnownResourceStates.Starting)
            {
                if (Dependents(change.Resource).Any())
                    await ReportAsync(current, $"has been starting {since}", stopping);

                return;
            }

            var sick = current.Snapshot.HealthReports.FirstOrDefault(r => r.Status is not HealthStatus.Healthy);
            if (sick is not null && Dependents(change.Resource, WaitType.WaitUntilHealthy).Any())
                await ReportAsync(
                    current,
                    $"has been running {since} but is not healthy ({sick.Description ?? sick.Name})",
                    stopping
                );
        }
        catch (OperationCanceledException)
        { /* the AppHost stops */
        }
    }

    private async Task ReportAsync(ResourceEvent change, string reason, CancellationToken stopping)
    {
        var now = clock.GetUtcNow();
        // At most once a minute for each resource and reason, because a restarted resource fails again.
        var key = $"{change.Resource.Name} {reason}";
        if (_reported.TryGetValue(key, out var last) && now - last < RepeatInterval)
            return;

        _reported[key] = now;
        var lines = await LastLinesAsync(change.ResourceId);

        if (stopping.IsCancellationRequested)
            return;

        var text = new StringBuilder($"{change.Resource.Name} {reason}.");
        string[] waiting =
        [
            .. Dependents(change.Resource).Select(r => r.Name).Distinct().Order(StringComparer.Ordinal),
        ];
        if (waiting.Length > 0)
            text.Append($" Waiting for it: {string.Join(", ", waiting)}.");
        if (lines.Count > 0)
            text.AppendLine().Append("Its last lines:");

        foreach (var line in lines)
            text.AppendLine().Append("  ").Append(line);

        var remedies = change.Resource.Annotations.OfType<RemedyAnnotation>().Select(a => a.Text);
        var fallback = $"See the complete log in the dashboard, under {change.Resource.Name}, and press Start there.";
        text.AppendLine().Append("What to do: ").AppendJoin(' ', remedies.DefaultIfEmpty(fallback));
        logger.LogError("{Report}", text.ToString());
    }

    private async Task<IReadOnlyCollection<string>> LastLinesAsync(string id)
    {
        // The end is reported before the last lines have been read, so the log is read for a moment longer.
        using var enough = new CancellationTokenSource(LogTimeout, clock);
        var lines = new Queue<string>();
        try
        {
            await foreach (var batch in loggers.WatchAsync(id).WithCancellation(enough.Token))
            // The orchestrator logs an exception with its trace as one line.
            foreach (var line in batch.SelectMany(logged => logged.Content.Split('\n')))
            {
                // The frames of an exception would leave no room for the exception itself.
                if (string.IsNullOrWhiteSpace(line) || StackFrame().IsMatch(line))
                    continue;
                lines.Enqueue(line);
                if (lines.Count > LastLines)
                    lines.Dequeue();
            }
        }
        catch (OperationCanceledException)
        { /* the time for reading is over */
        }

        return lines;
    }

    /// <summary>Returns the resources that wait for this one, directly or through others.</summary>
    private IEnumerable<IResource> Dependents(IResource resource, WaitType? type = null) =>
        model
            .Resources.Where(r =>
                r.Annotations.OfType<WaitAnnotation>()
                    .Any(w => w.Resource == resource && w.WaitType == (type ?? w.WaitType))
            )
            .SelectMany(r => Dependents(r).Prepend(r))
            .Where(r => !r.Annotations.OfType<ExplicitStartupAnnotation>().Any());

    /// <summary>Returns how the resource failed, or null.</summary>
    private static string? FailureOf(CustomResourceSnapshot snapshot)
    {
        var state = snapshot.State?.Text;
        if (state == KnownResourceStates.FailedToStart)
            return "could not be started";
        // The orchestrator's state for a container whose runtime stopped answering.
        if (state == "RuntimeUnhealthy")
            return "could not be started, because the container runtime (docker or podman) does not answer";

        var hasEnded = state == KnownResourceStates.Exited || state == KnownResourceStates.Finished;
        return hasEnded && snapshot.ExitCode is { } code and not 0 ? $"ended with exit code {code}" : null;
    }

    /// <summary>A line such as <c>   at Npgsql.NpgsqlConnection.Open() in Connection.cs:line 7</c>.</summary>
    [GeneratedRegex(@"^[\dT:.Z-]*\s+(at \S.*\(|--- End of stack trace)")]
    private static partial Regex StackFrame();
}

/// <param name="StartTimeout">The time that a start may take, and that health may take after it, before the console
/// reports a delay.</param>
internal sealed record FailureReportOptions(TimeSpan StartTimeout);

/// <summary>The advice when this resource fails.</summary>
internal sealed record RemedyAnnotation(string Text) : IResourceAnnotation;

internal static class FailureReportExtensions
{
    private const double DefaultSeconds = 20;

    /// <summary>Reports failures on the console. Slow starts are reported after <c>FailureReport:Seconds</c>.</summary>
    public static void AddFailureReport(this IDistributedApplicationBuilder builder)
    {
        var text = builder.Configuration["FailureReport:Seconds"];
        var seconds =
            string.IsNullOrEmpty(text) ? DefaultSeconds
            : double.TryParse(text, CultureInfo.InvariantCulture, out var value) && value is > 0 and <= 3_600 ? value
            : throw new InvalidOperationException(
                $"FailureReport:Seconds is '{text}'; it must be a number of seconds above 0, at most 3600."
            );
        builder.Services.AddSingleton(new FailureReportOptions(TimeSpan.FromSeconds(seconds)));
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddObserver<FailureReport>();
    }

    public static IResourceBuilder<T> WithRemedy<T>(this IResourceBuilder<T> builder, string text)
        where T : IResource => builder.WithAnnotation(new RemedyAnnotation(text));
}
