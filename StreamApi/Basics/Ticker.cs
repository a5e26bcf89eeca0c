using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EventStore;

namespace StreamApi.Basics;

/// <summary>
/// A tick a second for <c>/sse/events</c>, the same for all readers of all replicas: every replica publishes it under an id made from the
/// second and says the same, so the log takes one of them.
/// </summary>
internal sealed class Ticker(EventAppender store, TimeProvider clock, ILogger<Ticker> logger) : BackgroundService
{
    public const string Topic = "sse.ticks";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var now = clock.GetUtcNow();
            var next = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds() + 1);
            await Task.Delay(next - now, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested) return;
            try { await store.AppendAsync([Tick(next)], stoppingToken); }
            catch (StoreUnavailableException e) { logger.LogDebug(e, "A tick was not stored"); }
            catch (EventConflictException) { }
            catch (OperationCanceledException) { return; }
        }
    }

    private static NewEvent Tick(DateTimeOffset at)
    {
        var second = at.ToUnixTimeSeconds();
        var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{Topic} {second}")).AsSpan(0, 16));
        var data = JsonSerializer.Serialize(new { id = second, message = "Event at " + at.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture), timestamp = (decimal)second + 0.0m }, JsonSerializerOptions.Web);
        return new NewEvent(Topic, "tick", data, Id: id);
    }
}
