using Microsoft.Extensions.Options;
using Streaming.Admission;
using Streaming.Requests;

namespace AspireSse.Server;

/// <summary>Limits the memory of requests, and the work of each client to its rate, or to fair turns beyond the rate
/// (<see cref="AdmissionOptions"/>). Thread-safe.</summary>
/// <remarks>Needed only by endpoints that read long bodies, or much of the log, as StreamApi's do.</remarks>
public sealed class RequestBudget
{
    private readonly Gates _gates;
    private readonly ReadGate _reads;
    private readonly IStreamAccess _access;
    private readonly TimeProvider _clock;
    private readonly ByteLedger _memory;
    private readonly Pace<string>? _kilobytes;

    internal RequestBudget(
        Gates gates,
        ReadGate reads,
        IStreamAccess access,
        IOptions<AdmissionOptions> options,
        TimeProvider clock
    )
    {
        _gates = gates;
        _reads = reads;
        _access = access;
        _clock = clock;
        _memory = new ByteLedger(options.Value.HeldBytes);
        if (options.Value.KilobytesPerSecond is { } rate)
            _kilobytes = new Pace<string>(rate, burst: rate, clock);
    }

    /// <summary>Bodies up to this size are parsed at once, if their client keeps its rate.</summary>
    internal const int SmallBytes = 1024 * 1024;

    /// <summary>Bytes above which a body has to keep its client's rate, because other clients feel its
    /// commit.</summary>
    private const long LongBytes = 64 * 1024;

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    internal long HeldBytes => _memory.Held;

    /// <summary>Returns the kilobytes that events cost, at least one each, because an event has overhead beside its
    /// data.</summary>
    public static long CostOf(IReadOnlyList<NewEvent> events)
    {
        long kilobytes = 0;
        foreach (var published in events)
            kilobytes += 1 + published.Data.Length / 1_024;
        return kilobytes;
    }

    /// <summary>Starts an empty hold for this request, which is released when the response ends.</summary>
    public ByteHold Hold(HttpContext context)
    {
        var hold = new ByteHold(_memory, _access.ClientOf(context));
        context.Response.RegisterForDispose(hold);
        return hold;
    }

    /// <summary>Counts bytes that admitted work keeps after its response, until disposal; never refuses.</summary>
    internal IDisposable Keep(ClientKey client, long bytes) => _memory.Keep(client, bytes);

    /// <summary>Charges for a body, accepted or not, and waits for a turn to parse it. Returns null if no turn is
    /// needed.</summary>
    /// <exception cref="RefusedException">Too many bodies wait.</exception>
    /// <exception cref="InvalidRequestException">401: the credential has expired meanwhile.</exception>
    internal async ValueTask<IDisposable?> EnterParsingAsync(HttpContext context, long bytes)
    {
        var client = _access.ClientOf(context);
        var kilobytes = bytes / 1_024;
        if (await ChargeAsync(client, kilobytes, isLong: bytes > LongBytes, MaxWait, context.RequestAborted))
            await context.TakeSpareAsync(_gates.Spare!, client, Timeout.InfiniteTimeSpan);

        context.Features.Set(new ChargedBody(kilobytes));

        var turn =
            bytes > SmallBytes
                ? await _gates.Bodies.EnterAsync(client, Timeout.InfiniteTimeSpan, context.RequestAborted)
                : null;
        // The credential may have expired: a body may take minutes to arrive, and then wait.
        if (!(_access.CallerOf(context).Until <= _clock.GetUtcNow()))
            return turn;

        turn?.Dispose();
        throw new InvalidRequestException(
            "credential",
            "it expired before the request was complete. Send the request again with a new one.",
            StatusCodes.Status401Unauthorized
        );
    }

    /// <summary>Waits for a turn to read much of the log; hold it while reading, not while the client takes the
    /// answer.</summary>
    /// <exception cref="RefusedException">No turn became free in time, or too many requests wait.</exception>
    public Task<IDisposable> EnterReadAsync(HttpContext context) => _reads.EnterAsync(context);

    /// <summary>Waits for a turn of a request that is beyond its client's rate, once per request. The turn ends when
    /// the response begins, because a stream lasts longer.</summary>
    /// <returns>False if no turn became free in time, too many requests wait, or there are no spare turns.</returns>
    public async Task<bool> TakeSpareTurnAsync(HttpContext context, TimeSpan limit)
    {
        if (_gates.Spare is not { } spare)
            return false;

        try
        {
            await context.TakeSpareAsync(spare, _access.ClientOf(context), limit);
            return true;
        }
        catch (RefusedException)
        {
            return false;
        }
    }

    /// <summary>Charges for a part of a long body, and waits for a turn if the client is beyond its rate. Returns null
    /// if no turn is needed.</summary>
    /// <param name="context">The request.</param>
    /// <param name="kilobytes">Kilobytes that have arrived.</param>
    /// <param name="isLong">True if other clients would feel the work on the part, which then has to keep the
    /// rate.</param>
    /// <exception cref="RefusedException">Too many requests wait.</exception>
    public async ValueTask<IDisposable?> EnterPartAsync(HttpContext context, long kilobytes, bool isLong)
    {
        var client = _access.ClientOf(context);
        var isLent = await ChargeAsync(client, kilobytes, isLong, maxWait: null, context.RequestAborted);
        // A request that is itself beyond the rate has a turn already; two turns of one request could wait for each
        // other.
        return isLent && !context.HasSpareTurn()
            ? await _gates.Spare!.EnterAsync(client, Timeout.InfiniteTimeSpan, context.RequestAborted)
            : null;
    }

    /// <summary>Ends a turn, and waits for the next one: long work takes a turn for each of its steps.</summary>
    public async ValueTask<IDisposable> NextTurnAsync(HttpContext context, IDisposable turn)
    {
        turn.Dispose();
        return await _gates.Spare!.EnterAsync(
            _access.ClientOf(context),
            Timeout.InfiniteTimeSpan,
            context.RequestAborted
        );
    }

    /// <summary>Charges the client for events that it publishes, beyond the bytes of the request's body.</summary>
    public void Charge(HttpContext context, IReadOnlyList<NewEvent> events) =>
        Charge(_access.ClientOf(context), CostOf(events) - (context.Features.Get<ChargedBody>()?.Kilobytes ?? 0));

    /// <summary>Takes kilobytes from the rate of a client, for work that no body stands for.</summary>
    public void Charge(ClientKey client, long kilobytes) => IsBeyondRate(client, kilobytes);

    private bool IsBeyondRate(ClientKey client, long kilobytes) =>
        kilobytes > 0 && _kilobytes?.Charge(client, kilobytes) > TimeSpan.Zero;

    /// <summary>Charges the client. Long parts, and all parts if there are no spare turns, wait for the client's
    /// rate.</summary>
    /// <returns>True if the kilobytes are beyond the rate and need a spare turn.</returns>
    private async ValueTask<bool> ChargeAsync(
        ClientKey client,
        long kilobytes,
        bool isLong,
        TimeSpan? maxWait,
        CancellationToken cancellationToken
    )
    {
        if (_gates.Spare is not null && !isLong)
            return IsBeyondRate(client, kilobytes);

        if (_kilobytes is null || kilobytes == 0)
            return false;

        var wait =
            _kilobytes.Charge(client, kilobytes, maxWait)
            ?? throw new RefusedException(
                isOwnExcess: true,
                "Too many bytes",
                "More than ten seconds' worth of your bytes already wait (AdmissionOptions.KilobytesPerSecond)."
            );
        await Task.Delay(wait, _clock, cancellationToken);

        return false;
    }

    private sealed record ChargedBody(long Kilobytes);
}
