using System.Diagnostics;
using System.Globalization;
using System.Net;
using Harness.Worlds;

namespace Proxies;

/// <summary>Checks while events are published: one proxy after the other, so that none disturbs
/// another.</summary>
/// <param name="product">What stands behind the proxies.</param>
internal sealed class LoadedChecks(Product product)
{
    private const int Events = 7,
        Streams = 260,
        LongestQuery = 9_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public async Task MeasureAsync(ProxyRow row, Uri url, Uri? http2, CancellationToken cancellationToken)
    {
        var topic = $"p{Guid.NewGuid():N}";
        using var client = StreamClient.Create();
        var watch = Stopwatch.StartNew();
        await using var reader = await StreamClient.OpenAsync(client, url, topic, Patience);

        if (reader is null)
            row.First = row.Event = row.Address = $"nothing in {Patience.TotalSeconds:0} s";
        else
        {
            row.First = Milliseconds(watch.Elapsed);
            row.Event = Milliseconds(await DelayAsync(reader, topic, cancellationToken));
            row.Address = Address(await product.ClientOfAsync(topic));
        }

        row.Query = await LongestQueryAsync(client, url, cancellationToken);
        row.Http2 = http2 is null ? "–" : await StreamsAsync(http2, cancellationToken);
    }

    /// <summary>The fate of events if the proxy compresses streams.</summary>
    public async Task<string> CompressionAsync(Uri url, CancellationToken cancellationToken)
    {
        var topic = $"p{Guid.NewGuid():N}";
        using var client = StreamClient.Create(acceptsGzip: true);
        await using var reader = await StreamClient.OpenAsync(client, url, topic, Patience);
        if (reader is null)
            return "holds even the head";

        var late = 0;
        for (var sent = 1; sent <= Events; sent++)
        {
            await product.PublishAsync(topic);
            await Task.Delay(Pause, cancellationToken);
            late = Math.Max(late, sent - reader.Events.Count());
        }

        var form = await IsCompressedAsync(url, topic, cancellationToken) ? "gzip" : "not compressed";
        return late switch
        {
            0 => $"{form}, each event at once",
            1 => $"{form}, one event late",
            _ => $"{form}, holds {late} of {Events} events",
        };
    }

    private async Task<TimeSpan> DelayAsync(SseReader reader, string topic, CancellationToken cancellationToken)
    {
        var delays = new List<TimeSpan>();
        for (var count = 1; count <= Events; count++)
        {
            await Task.Delay(Pause, cancellationToken);
            var watch = Stopwatch.StartNew();
            await product.PublishAsync(topic);
            await reader.WaitAsync(r => r.Events.Count() >= count, Patience);
            delays.Add(watch.Elapsed);
        }

        return delays.Order().ElementAt(Events / 2);
    }

    private static async Task<bool> IsCompressedAsync(Uri url, string topic, CancellationToken cancellationToken)
    {
        using var client = StreamClient.Create();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url, Product.Stream(topic)));
        request.Headers.Add("Accept-Encoding", "gzip");
        using var response = await client
            .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
            .WaitAsync(Patience, cancellationToken);
        return response.Content.Headers.ContentEncoding.Contains("gzip");
    }

    /// <summary>Counts the streams that one HTTP/2 connection serves at a time.</summary>
    private static async Task<string> StreamsAsync(Uri url, CancellationToken cancellationToken)
    {
        using var client = StreamClient.Create(http2: true);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var served = 0;
        var asking = Enumerable.Range(0, Streams).Select(_ => ServeAsync()).ToArray();

        await Task.Delay(Patience, cancellationToken);
        var count = Volatile.Read(ref served);
        await end.CancelAsync();
        await Task.WhenAll(asking);

        return count == Streams ? $"{Streams} or more" : $"{count}";

        async Task ServeAsync()
        {
            try
            {
                using var response = await client.GetAsync(
                    new Uri(url, Product.Stream("http2")),
                    HttpCompletionOption.ResponseHeadersRead,
                    end.Token
                );
                await using var body = await response.Content.ReadAsStreamAsync(end.Token);
                if (response.IsSuccessStatusCode && await body.ReadAsync(new byte[1], end.Token) == 1)
                    Interlocked.Increment(ref served);
                await Task.Delay(Timeout.Infinite, end.Token);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException) { }
        }
    }

    /// <summary>The most letters of a query that reach the replica, whose own limit counts too.</summary>
    private static async Task<string> LongestQueryAsync(HttpClient client, Uri url, CancellationToken cancellationToken)
    {
        var passes = 0;
        var fails = LongestQuery;
        while (fails - passes > 1)
        {
            var middle = (passes + fails) / 2;
            var request = new Uri(url, $"/alive?{new string('q', middle)}");
            var isThrough = false;
            try
            {
                using var response = await client
                    .GetAsync(request, cancellationToken)
                    .WaitAsync(Patience, cancellationToken);
                isThrough = response.StatusCode == HttpStatusCode.OK;
            }
            catch (HttpRequestException) { }

            (passes, fails) = isThrough ? (middle, fails) : (passes, middle);
        }

        return $"{passes}";
    }

    private static string Address(string? client) =>
        client?.Split(':')[0] switch
        {
            StreamClient.Address => "the client's",
            StreamClient.Forged => "**what the client writes**",
            null => "not listed",
            _ => "the proxy's",
        };

    private static string Milliseconds(TimeSpan time) =>
        time.TotalMilliseconds.ToString("0 ms", CultureInfo.InvariantCulture);
}
