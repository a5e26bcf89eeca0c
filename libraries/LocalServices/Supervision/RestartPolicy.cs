using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LocalServices.Supervision;

/// <summary>Restarts processes that ended unexpectedly, as a platform would. It uses
/// the orchestrator's own Start command, so that the proxy knows the new process; a
/// process stopped in the dashboard or never started stays as it is.</summary>
internal sealed class RestartPolicy(
    ResourceNotificationService notifications,
    ResourceCommandService commands,
    ResourceLoggerService loggers,
    IHostApplicationLifetime lifetime,
    RestartDelay delay,
    TimeProvider clock
) : BackgroundService
{
    private readonly ConcurrentDictionary<string, ProcessState> _seen = new();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        notifications.ObserveAsync(Observe, lifetime, stoppingToken);

    private void Observe(ResourceEvent change, CancellationToken stopping)
    {
        if (!change.Resource.Annotations.OfType<RestartAnnotation>().Any())
            return;

        var now = change.Snapshot.State?.Text;
        var before = _seen.GetValueOrDefault(change.ResourceId, new ProcessState(null, null, 0, null));
        if (now == before.State || (HasEnded(now) && HasEnded(before.State)))
            return;

        // A start first reports the previous end again, with the same time.
        var endedAt = HasEnded(now) ? change.Snapshot.StopTimeStamp : before.EndedAt;
        if (HasEnded(now) && endedAt is not null && endedAt == before.EndedAt)
            return;

        var started = now == KnownResourceStates.Running ? clock.GetUtcNow() : before.Started;
        var ends = before.Ends;
        // Running or Starting → Exited. A requested end passes through Stopping.
        var unexpected =
            HasEnded(now)
            && before.State is { } last
            && (last == KnownResourceStates.Running || last == KnownResourceStates.Starting);
        if (unexpected)
        {
            ends = started is { } since && clock.GetUtcNow() - since > RestartDelay.StableAfter ? 1 : ends + 1;
            started = null; // an end before Running counts as a repeated failure
        }

        var state = _seen[change.ResourceId] = new ProcessState(now, started, ends, endedAt);

        if (unexpected)
            _ = RestartAsync(change.ResourceId, state, stopping);
    }

    private async Task RestartAsync(string id, ProcessState ended, CancellationToken stopping)
    {
        try
        {
            var log = loggers.GetLogger(id);
            var after = delay.Of(ended.Ends);
            log.LogWarning(
                "Ended unexpectedly. It is restarted in {Seconds} s (Restart:DelaySeconds; 0 turns restarts off).",
                after.TotalSeconds
            );
            await Task.Delay(after, clock, stopping);

            // The user may have pressed Start or Stop in the meantime; then this end no longer matters.
            if (
                !ReferenceEquals(_seen[id], ended)
                || !notifications.TryGetCurrentState(id, out var current)
                || !HasEnded(current?.Snapshot.State?.Text)
            )
                return;

            var result = await commands.ExecuteCommandAsync(id, KnownResourceCommands.StartCommand, stopping);
            if (!result.Success)
                log.LogError("The restart failed: {Reason}. Press Start in the dashboard.", result.Message);
        }
        catch (OperationCanceledException)
        { /* the AppHost stops */
        }
    }

    private static bool HasEnded(string? state) =>
        state == KnownResourceStates.Exited || state == KnownResourceStates.Finished;

    /// <summary>The last known state of a process; replaced on each change.</summary>
    private sealed record ProcessState(string? State, DateTimeOffset? Started, int Ends, DateTime? EndedAt);
}

/// <summary>The delay before a restart, in which the failure is visible and other replicas take over.</summary>
/// <param name="First">The delay after the first end. It doubles with each further end within a minute, up to a
/// minute.</param>
internal sealed record RestartDelay(TimeSpan First)
{
    public static readonly TimeSpan StableAfter = TimeSpan.FromMinutes(1);

    // As EventStore's Backoff.Longest, which is internal to its library.
    public TimeSpan Of(int ends) =>
        TimeSpan.FromSeconds(
            Math.Min(StableAfter.TotalSeconds, First.TotalSeconds * Math.Pow(2, Math.Min(ends, 10) - 1))
        );
}

internal sealed class RestartAnnotation : IResourceAnnotation;

internal static class RestartExtensions
{
    private const double DefaultSeconds = 3,
        MostSeconds = 60;

    /// <summary>Restarts each process of the resource that ends
    /// unexpectedly. <c>Restart:DelaySeconds</c> 0 turns this off.</summary>
    public static IResourceBuilder<T> WithRestart<T>(this IResourceBuilder<T> builder)
        where T : IResource
    {
        var text = builder.ApplicationBuilder.Configuration["Restart:DelaySeconds"];
        var seconds =
            string.IsNullOrEmpty(text) ? DefaultSeconds
            : double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var value)
            && value is >= 0 and <= MostSeconds
                ? value
            : throw new InvalidOperationException(
                $"Restart:DelaySeconds is '{text}'; it must be a number of seconds from 0 (off) to {MostSeconds}."
            );
        if (seconds == 0)
            return builder;

        builder.Resource.Annotations.Add(new RestartAnnotation());
        builder.ApplicationBuilder.Services.TryAddSingleton(TimeProvider.System);
        builder.ApplicationBuilder.Services.TryAddSingleton(new RestartDelay(TimeSpan.FromSeconds(seconds)));
        builder.ApplicationBuilder.Services.AddObserver<RestartPolicy>();

        return builder;
    }
}
