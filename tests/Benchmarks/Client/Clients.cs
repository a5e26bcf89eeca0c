using Harness;

namespace Benchmarks.Client;

/// <summary>Starts readers and publishers and ends them.</summary>
internal static class Clients
{
    public static async Task<PublishResult> PublishAsync(PublishOrder order, CancellationToken cancellationToken)
    {
        await using var publisher = await ClientProcess.StartAsync("publish", order);
        var result = await publisher.NextAsync<PublishResult>(cancellationToken);
        return result.Accepted == result.Sent
            ? result
            : throw new BenchmarkException(
                $"{order.Url} accepted {result.Accepted} of {result.Sent} requests"
                    + (
                        result.FirstRefusal == 0
                            ? " within the time limit."
                            : $"; the first refusal had status {result.FirstRefusal}."
                    )
            );
    }

    /// <summary>Starts readers and waits until all their streams are open.</summary>
    public static async Task<(ClientProcess Process, ReadersReady Ready)> OpenAsync(
        ReadOrder order,
        CancellationToken cancellationToken
    )
    {
        var readers = await ClientProcess.StartAsync("read", order);
        try
        {
            var ready = await readers.NextAsync<ReadersReady>(cancellationToken);
            return ready.Refused == 0
                ? (readers, ready)
                : throw new BenchmarkException(
                    $"{order.Urls[0]} refused {ready.Refused} of {order.Connections} streams."
                );
        }
        catch
        {
            await readers.DisposeAsync();
            throw;
        }
    }
}
