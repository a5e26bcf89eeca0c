using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LocalServices.Supervision;

/// <summary>
/// Starts again what ended unasked, as a platform would: killed, crashed, gone by itself. By the orchestrator's own
/// Start, so that its proxy knows
/// the new process. What a person stops in the dashboard stays stopped, and what could not be started at all stays as
/// it is.
/// </summary>
internal sealed class RestartPolicy(
    ResourceNotificationService notifications,
    ResourceCommandService commands,
    ResourceLoggerService loggers,
    IHostApplicationLifetime lifetime,
    RestartDelay delay
) : BackgroundService
{
    private readonly ConcurrentDictionary<string, Life> _seen = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(
            stoppingToken,
            lifetime.ApplicationStopping
        );
        try
        {
            await foreach (var e in notifications.WatchAsync(stopping.Token))
                if (e.Resource.Annotations.OfType<RestartAnnotation>().Any())
                    Saw(e, stopping.Token);
        }
        catch (OperationCanceledException)
        { /* the AppHost stops */
        }
    }

    private void Saw(ResourceEvent e, CancellationToken stopping)
    {
        var (now, before) = (e.Snapshot.State?.Text, _seen.GetValueOrDefault(e.ResourceId, new Life(null, null, 0)));
        if (now == before.State || (HasEnded(now) && HasEnded(before.State)))
            return;
        var (started, ends) = (now == KnownResourceStates.Running ? DateTime.UtcNow : before.Started, before.Ends);
        // Running or Starting → Exited. Who was asked to end goes by Stopping.
        var unasked =
            HasEnded(now)
            && before.State is { } last
            && (last == KnownResourceStates.Running || last == KnownResourceStates.Starting);
        if (unasked)
        {
            ends = started is { } since && DateTime.UtcNow - since > RestartDelay.Calm ? 1 : ends + 1;
            started = null; // what ends before it was seen running has not been calm
        }
        var life = _seen[e.ResourceId] = new Life(now, started, ends);
        if (unasked)
            _ = RestartAsync(e.ResourceId, life, stopping);
    }

    private async Task RestartAsync(string id, Life ended, CancellationToken stopping)
    {
        try
        {
            var (log, after) = (loggers.GetLogger(id), delay.Of(ended.Ends));
            log.LogWarning(
                "Ended without having been asked to. Starts again in {Seconds} s (Restart:DelaySeconds; 0 turns this off).",
                after.TotalSeconds
            );
            await Task.Delay(after, stopping);
            // A person may have been faster. What became of it then (it was stopped, it ended again) is not this end's
            // matter, though it has ended.
            if (
                !ReferenceEquals(_seen[id], ended)
                || !notifications.TryGetCurrentState(id, out var current)
                || !HasEnded(current?.Snapshot.State?.Text)
            )
                return;
            var result = await commands.ExecuteCommandAsync(id, KnownResourceCommands.StartCommand, stopping);
            if (!result.Success)
                log.LogError("It could not be started again: {Reason}", result.Message);
        }
        catch (OperationCanceledException)
        { /* the AppHost stops */
        }
    }

    private static bool HasEnded(string? state) =>
        state == KnownResourceStates.Exited || state == KnownResourceStates.Finished;

    /// <summary>How a process was last seen: another one with each change of its state.</summary>
    private sealed record Life(string? State, DateTime? Started, int Ends);
}

/// <summary>How long what ended stays ended, so that it is seen and others take over.</summary>
/// <param name="First">After the first end; it doubles with each that follows within a minute, up to a minute.</param>
internal sealed record RestartDelay(TimeSpan First)
{
    public static readonly TimeSpan Calm = TimeSpan.FromMinutes(1);

    public TimeSpan Of(int ends) =>
        TimeSpan.FromSeconds(Math.Min(Calm.TotalSeconds, First.TotalSeconds * Math.Pow(2, Math.Min(ends, 10) - 1)));
}

internal sealed class RestartAnnotation : IResourceAnnotation;

internal static class RestartExtensions
{
    private const double DefaultSeconds = 3,
        MostSeconds = 60;

    /// <summary>Each of its processes is started again when it ended unasked; where <c>Restart:DelaySeconds</c> is 0,
    /// nothing is.</summary>
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
        builder.ApplicationBuilder.Services.TryAddSingleton(new RestartDelay(TimeSpan.FromSeconds(seconds)));
        builder.ApplicationBuilder.Services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, RestartPolicy>()
        );
        return builder;
    }
}
