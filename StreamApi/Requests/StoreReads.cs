using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Security.Limits;

namespace StreamApi.Requests;

/// <summary>Turns for the requests that read the store: as many at once as there are connections for it, in rotation
/// over the clients.</summary>
internal sealed class StoreReads(IOptions<EventStoreOptions> options)
{
    private readonly FairQueue _queue = new(options.Value.ReadConnections, options.Value.MaxWaitingReads);

    /// <summary>Waits for a turn of the request's client.</summary>
    /// <exception cref="StoreUnavailableException">None came in time.</exception>
    public async Task<IDisposable> EnterAsync(HttpContext context)
    {
        try
        {
            return await _queue.EnterAsync(
                RequestLimits.KeyOf(context),
                TimeSpan.FromSeconds(options.Value.CommandTimeoutSeconds),
                context.RequestAborted
            );
        }
        catch (TimeoutException e)
        {
            throw new StoreUnavailableException("Too many reads of this client wait for the store.", e);
        }
    }
}

internal static class StoreReadsExtensions
{
    /// <summary>Makes each request wait for its turn to read the store. The turn ends before the answer is
    /// written.</summary>
    public static RouteHandlerBuilder ReadsStore(this RouteHandlerBuilder endpoint) =>
        endpoint.AddEndpointFilter(
            static async (context, next) =>
            {
                var http = context.HttpContext;
                using var turn = await http.RequestServices.GetRequiredService<StoreReads>().EnterAsync(http);
                return await next(context);
            }
        );
}
