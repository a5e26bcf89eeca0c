using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace StreamApi.Seeds.Basics;

/// <summary>
/// Publishes one tick per second for <c>/sse/events</c>. All replicas publish the same tick under the same id, so the
/// log stores it once; ticks continue for a minute after the last reader, so that a reconnecting reader finds no gap.
/// </summary>
internal sealed class Ticker(IEventLog log, TopicPresence presence, TimeProvider clock, ILogger<Ticker> logger)
    : RestartingService(logger, clock)
{
    public const string Topic = "sse.ticks";

    /// <summary>Time for which ticks continue after the last reader on any replica: longer than a client takes to
    /// reconnect.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMinutes(1);

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var now = Clock.GetUtcNow();
            var next = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds() + 1);
            await Task.Delay(next - now, Clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

            if (stoppingToken.IsCancellationRequested)
                return;

            try
            {
                if (await presence.IsReadAsync(Topic, Linger, stoppingToken))
                    await log.AppendAsync([Tick(next)], stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Logger.LogDebug(e, "A tick was not stored");
            }
        }
    }

    private static NewEvent Tick(DateTimeOffset at)
    {
        var second = at.ToUnixTimeSeconds();
        var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{Topic} {second}")).AsSpan(0, 16));
        return NewEvent.Of(
            Topic,
            "tick",
            new
            {
                id = second,
                message = "Event at " + at.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture),
                timestamp = (decimal)second + 0.0m,
            },
            id: id
        );
    }
}
