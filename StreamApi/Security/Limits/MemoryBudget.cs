using Microsoft.Extensions.Options;
using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>
/// Counts the bytes of bodies and pages that this replica holds, per client and in total. A rate limit does not bound
/// memory: a large body may arrive slowly, and a page may be read slowly.
/// </summary>
internal sealed class MemoryBudget(IOptions<LimitOptions> limits)
{
    /// <summary>Requests that hold at most this much are admitted regardless of the total.</summary>
    private const int SmallBytes = 64 * 1024;
    private const long Megabyte = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _held = new(StringComparer.Ordinal);
    private readonly long _perClient = limits.Value.HeldMegabytesPerClient!.Value * Megabyte;
    private readonly long _limit = limits.Value.HeldMegabytes * Megabyte;
    private long _total;

    /// <summary>Bytes held for all clients.</summary>
    public long Held
    {
        get
        {
            lock (_gate)
                return _total;
        }
    }

    /// <summary>Changes the bytes that one request of the client holds.</summary>
    /// <param name="client">Key of the client.</param>
    /// <param name="before">Bytes that the request held before.</param>
    /// <param name="after">Bytes that it will hold.</param>
    /// <returns>The status code of the refusal; null if admitted.</returns>
    public int? Change(string client, long before, long after)
    {
        lock (_gate)
        {
            var (mine, total) = (_held.GetValueOrDefault(client) + after - before, _total + after - before);
            if (after > before && mine > _perClient)
                return StatusCodes.Status429TooManyRequests;
            if (after > before && after > SmallBytes && total > _limit)
                return StatusCodes.Status503ServiceUnavailable;
            Count(client, mine, total);
            return null;
        }
    }

    /// <summary>Counts bytes until they are disposed of, even if they exceed the limits.</summary>
    public IDisposable Keep(string client, long bytes)
    {
        lock (_gate)
            Count(client, _held.GetValueOrDefault(client) + bytes, _total + bytes);
        return new Kept(this, client, bytes);
    }

    private void Count(string client, long mine, long total)
    {
        _total = total;
        if (mine == 0)
            _held.Remove(client);
        else
            _held[client] = mine;
    }

    private sealed class Kept(MemoryBudget budget, string client, long bytes) : IDisposable
    {
        private MemoryBudget? _budget = budget;

        public void Dispose() => Interlocked.Exchange(ref _budget, null)?.Change(client, bytes, 0);
    }
}

/// <summary>The bytes that one request holds, released when its response is complete.</summary>
internal sealed class MemoryHold : IMemoryHold
{
    /// <summary>Minimum bytes of such a request: the buffers of its connection.</summary>
    private const int MinBytes = 16 * 1024;

    private readonly HttpContext _context;
    private readonly MemoryBudget _budget;
    private readonly string _client;
    private long _bytes;

    private MemoryHold(HttpContext context)
    {
        (_context, _client) = (context, RequestLimits.KeyOf(context));
        _budget = context.RequestServices.GetRequiredService<MemoryBudget>();
    }

    /// <summary>Creates the hold of this request; it holds nothing yet.</summary>
    public static MemoryHold Of(HttpContext context)
    {
        var hold = new MemoryHold(context);
        context.Response.RegisterForDispose(hold);
        return hold;
    }

    /// <summary>Sets the bytes that the request holds.</summary>
    /// <exception cref="InvalidRequestException">The client (429) or all clients together (503) exceed the
    /// budget.</exception>
    public void Set(long bytes)
    {
        bytes = Math.Max(bytes, MinBytes);
        if (bytes == _bytes)
            return;
        if (_budget.Change(_client, _bytes, bytes) is { } status)
        {
            _context.Response.Headers.RetryAfter = "2";
            throw new InvalidRequestException(
                "body",
                status == StatusCodes.Status429TooManyRequests
                    ? "your requests hold the most memory that one client may use (Limits:HeldMegabytesPerClient). "
                        + "Retry after the time in Retry-After."
                    : "all requests together hold the most memory that they may use (Limits:HeldMegabytes). "
                        + "Retry after the time in Retry-After.",
                status
            );
        }
        _bytes = bytes;
    }

    public void Dispose()
    {
        _budget.Change(_client, _bytes, 0);
        _bytes = 0;
    }
}
