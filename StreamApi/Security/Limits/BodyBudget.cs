using Microsoft.Extensions.Options;
using StreamApi.Requests;

namespace StreamApi.Security.Limits;

/// <summary>
/// Bytes of request bodies that this replica holds, for each client and in all. A rate bounds how many requests come, not what they hold: a body of some
/// megabytes may come slowly, or wait for the store.
/// </summary>
internal sealed class BodyBudget(IOptions<LimitOptions> limits)
{
    /// <summary>Bodies up to this are let in whatever the others hold.</summary>
    private const int SmallBytes = 64 * 1024;
    private const long Megabyte = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _held = new(StringComparer.Ordinal);
    private readonly long _each = limits.Value.BodyMegabytesPerClient!.Value * Megabyte, _all = limits.Value.BodyMegabytes * Megabyte;
    private long _total;

    /// <summary>Bytes held for all clients.</summary>
    public long Held { get { lock (_gate) return _total; } }

    /// <summary>Lets one request of the client hold so many bytes more, or fewer.</summary>
    /// <param name="client">The client's key.</param>
    /// <param name="before">Bytes that the request holds already.</param>
    /// <param name="after">Bytes that it shall hold.</param>
    /// <returns>The status to refuse it with, or null.</returns>
    public int? Change(string client, long before, long after)
    {
        lock (_gate)
        {
            var (mine, total) = (_held.GetValueOrDefault(client) + after - before, _total + after - before);
            if (after > before && mine > _each) return StatusCodes.Status429TooManyRequests;
            if (after > before && after > SmallBytes && total > _all) return StatusCodes.Status503ServiceUnavailable;
            _total = total;
            if (mine == 0) _held.Remove(client);
            else _held[client] = mine;
            return null;
        }
    }
}

/// <summary>Bytes that one request holds, given back once it is answered.</summary>
internal sealed class BodyHold : IDisposable
{
    /// <summary>Bytes that a request with a body takes at least: its connection's buffers.</summary>
    private const int LeastBytes = 16 * 1024;

    private readonly HttpContext _context;
    private readonly BodyBudget _budget;
    private readonly string _client;
    private long _bytes;

    private BodyHold(HttpContext context) =>
        (_context, _budget, _client) = (context, context.RequestServices.GetRequiredService<BodyBudget>(), RequestLimits.KeyOf(context));

    /// <summary>The hold of this request; it holds nothing yet.</summary>
    public static BodyHold Of(HttpContext context)
    {
        var hold = new BodyHold(context);
        context.Response.RegisterForDispose(hold);
        return hold;
    }

    /// <summary>Holds so many bytes from now on.</summary>
    /// <exception cref="InvalidRequestException">More than the client may (429), or than all together (503).</exception>
    public void Set(long bytes)
    {
        bytes = Math.Max(bytes, LeastBytes);
        if (bytes == _bytes) return;
        if (_budget.Change(_client, _bytes, bytes) is { } status)
        {
            _context.Response.Headers.RetryAfter = "2";
            throw new InvalidRequestException("body", status == StatusCodes.Status429TooManyRequests
                ? "more of your requests wait with their bodies than may at once (Limits:BodyMegabytesPerClient). Wait as long as Retry-After says."
                : "this server holds as many bytes of bodies as it may (Limits:BodyMegabytes). Wait as long as Retry-After says.", status);
        }
        _bytes = bytes;
    }

    public void Dispose()
    {
        _budget.Change(_client, _bytes, 0);
        _bytes = 0;
    }
}
