using Microsoft.Extensions.Options;
using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>
/// Bytes of bodies and pages that this replica holds, for each client and in all. A rate bounds how many requests come,
/// not what they hold: a body of some megabytes may come slowly, and a page may be read slowly.
/// </summary>
internal sealed class MemoryBudget(IOptions<LimitOptions> limits)
{
    /// <summary>Requests that hold no more than this are let in whatever the others hold.</summary>
    private const int SmallBytes = 64 * 1024;
    private const long Megabyte = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _held = new(StringComparer.Ordinal);
    private readonly long _each = limits.Value.HeldMegabytesPerClient!.Value * Megabyte;
    private readonly long _all = limits.Value.HeldMegabytes * Megabyte;
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

    /// <summary>Lets one request of the client hold more bytes, or fewer.</summary>
    /// <param name="client">The client's key.</param>
    /// <param name="before">Bytes that the request holds already.</param>
    /// <param name="after">Bytes that it shall hold.</param>
    /// <returns>The status to refuse it with, or null.</returns>
    public int? Change(string client, long before, long after)
    {
        lock (_gate)
        {
            var (mine, total) = (_held.GetValueOrDefault(client) + after - before, _total + after - before);
            if (after > before && mine > _each)
                return StatusCodes.Status429TooManyRequests;
            if (after > before && after > SmallBytes && total > _all)
                return StatusCodes.Status503ServiceUnavailable;
            _total = total;
            if (mine == 0)
                _held.Remove(client);
            else
                _held[client] = mine;
            return null;
        }
    }
}

/// <summary>Bytes that one request holds, given back once it is answered.</summary>
internal sealed class MemoryHold : IMemoryHold, IDisposable
{
    /// <summary>Bytes that such a request takes at least: its connection's buffers.</summary>
    private const int LeastBytes = 16 * 1024;

    private readonly HttpContext _context;
    private readonly MemoryBudget _budget;
    private readonly string _client;
    private long _bytes;

    private MemoryHold(HttpContext context)
    {
        (_context, _client) = (context, RequestLimits.KeyOf(context));
        _budget = context.RequestServices.GetRequiredService<MemoryBudget>();
    }

    /// <summary>The hold of this request; it holds nothing yet.</summary>
    public static MemoryHold Of(HttpContext context)
    {
        var hold = new MemoryHold(context);
        context.Response.RegisterForDispose(hold);
        return hold;
    }

    /// <summary>Holds so many bytes from now on.</summary>
    /// <exception cref="InvalidRequestException">More than the client may (429), or than all together
    /// (503).</exception>
    public void Set(long bytes)
    {
        bytes = Math.Max(bytes, LeastBytes);
        if (bytes == _bytes)
            return;
        if (_budget.Change(_client, _bytes, bytes) is { } status)
        {
            _context.Response.Headers.RetryAfter = "2";
            throw new InvalidRequestException(
                "body",
                status == StatusCodes.Status429TooManyRequests
                    ? "your requests hold as much memory as one client's may (Limits:HeldMegabytesPerClient). Wait as long as Retry-After says."
                    : "all requests hold as much memory as they may (Limits:HeldMegabytes). Wait as long as Retry-After says.",
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
