using System.Diagnostics;
using System.Globalization;
using Harness.Worlds;

namespace Proxies;

/// <summary>Checks while nobody publishes: all proxies at once, since it is waiting.</summary>
/// <param name="product">What stands behind the proxies.</param>
internal sealed class QuietChecks(Product product)
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Listed = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Opening = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Ending = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Measures how long a stream without a byte lasts.</summary>
    /// <param name="row">Takes what is seen.</param>
    /// <param name="url">A proxy in front of the silent replica.</param>
    public static async Task SilenceAsync(ProxyRow row, Uri url)
    {
        using var client = StreamClient.Create();
        var watch = Stopwatch.StartNew();
        await using var reader = await StreamClient.OpenAsync(client, url, "silence", Opening);
        row.Silence = reader is null ? "nothing comes" : await EndAsync(reader, watch, Silence);
    }

    /// <summary>Measures how long the replica lists a client that has left.</summary>
    /// <param name="row">Takes what is seen.</param>
    /// <param name="url">A proxy in front of the replica with heartbeats.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task DepartureAsync(ProxyRow row, Uri url, CancellationToken cancellationToken)
    {
        var topic = $"p{Guid.NewGuid():N}";
        using (var client = StreamClient.Create())
        {
            var opening = StreamClient.OpenAsync(client, url, topic, Opening);
            if (!await IsListedAsync(topic, isListed: true, Opening, cancellationToken))
                throw new TimeoutException("The replica does not list the client.");
            if (await opening is { } reader)
                await reader.DisposeAsync();
        }

        var watch = Stopwatch.StartNew();
        row.Departed = await IsListedAsync(topic, isListed: false, Listed, cancellationToken)
            ? Seconds(watch.Elapsed)
            : $"after {Listed.TotalSeconds:0} s still";
    }

    /// <summary>Opens a stream of the silent replica; what is returned waits for its end.</summary>
    public static async Task<Func<Task>> DeathAsync(ProxyRow row, Uri url)
    {
        var client = StreamClient.Create();
        if (await StreamClient.OpenAsync(client, url, "death", Opening) is not { } reader)
        {
            client.Dispose();
            row.Death = "nothing comes";
            return () => Task.CompletedTask;
        }

        return async () =>
        {
            row.Death = await EndAsync(reader, Stopwatch.StartNew(), Ending);
            await reader.DisposeAsync();
            client.Dispose();
        };
    }

    private static async Task<string> EndAsync(SseReader reader, Stopwatch watch, TimeSpan within)
    {
        try
        {
            await reader.WaitForEndAsync().WaitAsync(within);
            var how = reader.EndedProperly ? "**complete**" : "broken";
            return $"{how} after {Seconds(watch.Elapsed)}";
        }
        catch (TimeoutException)
        {
            return $"open after {within.TotalSeconds:0} s";
        }
    }

    private async Task<bool> IsListedAsync(
        string topic,
        bool isListed,
        TimeSpan within,
        CancellationToken cancellationToken
    )
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < within; )
        {
            if (await product.ClientOfAsync(topic) is not null == isListed)
                return true;
            await Task.Delay(Interval, cancellationToken);
        }

        return false;
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.0 s", CultureInfo.InvariantCulture);
}
