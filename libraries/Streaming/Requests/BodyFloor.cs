using System.IO.Pipelines;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Streaming.Admission;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace AspireSse.Server;

/// <summary>Refuses a body that arrives too slowly. Of a large body, 64 kB must arrive every ten seconds, because
/// Kestrel's rate is an average since the start: a client that sent 4 MB at once could hold them for hours.</summary>
/// <remarks>Needed only by an endpoint that reads a long body in parts, as StreamApi reads NDJSON. On HTTP/2 Kestrel's
/// own rate would end the connection with all its streams. The floor applies the same rate, and refuses only the body's
/// request. Create the floor before anything has been read.</remarks>
/// <param name="context">The request.</param>
public sealed class BodyFloor(HttpContext context)
{
    /// <summary>Bytes that must arrive in each window, the speed of a modem. While fewer bytes are held, Kestrel's rate
    /// is enough.</summary>
    private const int MinBytes = ByteLedger.SmallBytes;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    /// <summary>Longest wait, whatever has arrived: timers take no more than 49 days.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromDays(1);

    private readonly PipeReader _body = context.Request.BodyReader;
    private readonly TimeProvider _clock = context.RequestServices.GetRequiredService<TimeProvider>();
    private readonly MinDataRate? _rate = TakeRate(context);
    private TimeSpan _waited;
    private long _received;
    private TimeSpan _waitedInWindow;
    private long _receivedInWindow;

    /// <summary>Reads what has arrived.</summary>
    /// <param name="held">Bytes that an earlier read brought and that are not consumed.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    /// <exception cref="BadHttpRequestException">408: the body arrives too slowly.</exception>
    public ValueTask<ReadResult> ReadAsync(long held, CancellationToken cancellationToken) =>
        held < MinBytes && _rate is null
            ? _body.ReadAsync(cancellationToken)
            : ReadAboveFloorAsync(held, cancellationToken);

    /// <summary>Returns Kestrel's rate, and turns it off in Kestrel, if this class must apply it. On HTTP/1.1 the
    /// result is null, because Kestrel itself refuses only the request.</summary>
    private static MinDataRate? TakeRate(HttpContext context)
    {
        if (
            HttpProtocol.IsHttp11(context.Request.Protocol)
            || context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is not { } kestrel
        )
            return null;

        kestrel.MinDataRate = null;
        var options = context.RequestServices.GetRequiredService<IOptions<KestrelServerOptions>>();
        return options.Value.Limits.MinRequestBodyDataRate;
    }

    private async ValueTask<ReadResult> ReadAboveFloorAsync(long held, CancellationToken cancellationToken)
    {
        var began = _clock.GetTimestamp();
        var read = await ReadInTimeAsync(TimeLeft(held), cancellationToken);
        Count(held, read.Buffer.Length - held, _clock.GetElapsedTime(began));

        return read;
    }

    private TimeSpan TimeLeft(long held)
    {
        var seconds = (held < MinBytes ? MaxWait : Window - _waitedInWindow).TotalSeconds;
        if (_rate is not null)
        {
            var earned = Math.Max(_rate.GracePeriod.TotalSeconds, _received / _rate.BytesPerSecond);
            seconds = Math.Min(seconds, earned - _waited.TotalSeconds);
        }

        return TimeSpan.FromSeconds(Math.Max(seconds, 0));
    }

    private void Count(long held, long received, TimeSpan waited)
    {
        _waited += waited;
        _received += received;
        if (held < MinBytes)
            return;

        _waitedInWindow += waited;
        _receivedInWindow += received;
        if (_receivedInWindow >= MinBytes)
        {
            _receivedInWindow = 0;
            _waitedInWindow = TimeSpan.Zero;
        }
    }

    private async ValueTask<ReadResult> ReadInTimeAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        if (_body.TryRead(out var ready))
            return ready;

        using var late = new CancellationTokenSource(limit, _clock);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await _body.ReadAsync(end.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BadHttpRequestException("The body arrives too slowly.", StatusCodes.Status408RequestTimeout);
        }
    }
}
