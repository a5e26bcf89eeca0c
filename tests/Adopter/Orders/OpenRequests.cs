namespace Adopter.Orders;

/// <summary>Counts the requests that have not ended, as an application's own middleware sees them.</summary>
internal sealed class OpenRequests
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public async Task CountAsync(HttpContext context, RequestDelegate next)
    {
        Interlocked.Increment(ref _count);
        try
        {
            await next(context);
        }
        finally
        {
            Interlocked.Decrement(ref _count);
        }
    }
}
