using Microsoft.Extensions.Options;
using Streaming.Admission;

namespace Streaming.Requests;

/// <summary>Limits the memory of requests, and each client's bytes: to its rate, and beyond it to fair turns.</summary>
internal sealed class RequestBudget(
    Gates gates,
    IClients clients,
    IOptions<AdmissionOptions> options,
    TimeProvider clock
)
{
    /// <summary>Bodies up to this size are parsed at once, if their client keeps its rate.</summary>
    public const int SmallBytes = 1024 * 1024;

    /// <summary>A larger body has to keep its client's rate: others feel its commit.</summary>
    private const long LongBytes = 64 * 1024;

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    private readonly ByteLedger _memory = new(options.Value.HeldBytes);

    private readonly Pace<string>? _kilobytes = options.Value.KilobytesPerSecond is { } rate
        ? new Pace<string>(rate, burst: rate, clock)
        : null;

    public long HeldBytes => _memory.Held;

    /// <summary>Kilobytes that events cost: at least one each, because an event has overhead beside its data.</summary>
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
        var hold = new ByteHold(_memory, clients.ClientOf(context));
        context.Response.RegisterForDispose(hold);
        return hold;
    }

    /// <summary>Counts bytes that admitted work keeps after its response, until disposal; never refuses.</summary>
    public IDisposable Keep(ClientKey client, long bytes) => _memory.Keep(client, bytes);

    /// <summary>Charges for a body, accepted or not, and waits for a turn to parse it; null: none needed.</summary>
    /// <exception cref="RefusedException">Too many bodies wait.</exception>
    /// <exception cref="InvalidRequestException">401: the credential has expired meanwhile.</exception>
    public async ValueTask<IDisposable?> EnterParsingAsync(HttpContext context, long bytes)
    {
        var client = clients.ClientOf(context);
        var kilobytes = bytes / 1_024;
        if (await ChargeAsync(client, kilobytes, isLong: bytes > LongBytes, MaxWait, context.RequestAborted))
            await context.TakeSpareAsync(gates.Spare!, client, Timeout.InfiniteTimeSpan);

        context.Features.Set(new ChargedBody(kilobytes));

        var turn =
            bytes > SmallBytes
                ? await gates.Bodies.EnterAsync(client, Timeout.InfiniteTimeSpan, context.RequestAborted)
                : null;
        // A body may take minutes to arrive, and then wait.
        if (!clients.HasExpired(context))
            return turn;

        turn?.Dispose();
        throw new InvalidRequestException(
            "credential",
            "it expired before the request was complete. Send the request again with a new one.",
            StatusCodes.Status401Unauthorized
        );
    }

    /// <summary>Charges for a part of a long body, and waits for a turn beyond the rate; null: none needed.</summary>
    /// <param name="isLong">True if others would feel the work on it, so that it has to keep the rate.</param>
    /// <exception cref="RefusedException">Too many requests wait.</exception>
    public async ValueTask<IDisposable?> EnterPartAsync(HttpContext context, long kilobytes, bool isLong)
    {
        var client = clients.ClientOf(context);
        var isLent = await ChargeAsync(client, kilobytes, isLong, maxWait: null, context.RequestAborted);
        // A request that is itself beyond the rate has its turn; two of one request could wait for each other.
        return isLent && !context.HasSpareTurn()
            ? await gates.Spare!.EnterAsync(client, Timeout.InfiniteTimeSpan, context.RequestAborted)
            : null;
    }

    /// <summary>Ends a turn, and waits for the next one: long work takes a turn for each of its steps.</summary>
    public async ValueTask<IDisposable> NextTurnAsync(HttpContext context, IDisposable turn)
    {
        turn.Dispose();
        return await gates.Spare!.EnterAsync(
            clients.ClientOf(context),
            Timeout.InfiniteTimeSpan,
            context.RequestAborted
        );
    }

    /// <summary>Charges the client for events that it publishes, beyond the bytes of the request's body.</summary>
    public void Charge(HttpContext context, IReadOnlyList<NewEvent> events) =>
        Charge(clients.ClientOf(context), CostOf(events) - (context.Features.Get<ChargedBody>()?.Kilobytes ?? 0));

    public void Charge(ClientKey client, long kilobytes) => IsBeyondRate(client, kilobytes);

    private bool IsBeyondRate(ClientKey client, long kilobytes) =>
        kilobytes > 0 && _kilobytes?.Charge(client, kilobytes) > TimeSpan.Zero;

    /// <summary>Charges the client. Long parts, and all parts if nothing is to spare, wait for its rate.</summary>
    /// <returns>True if they are beyond the rate and need a spare turn.</returns>
    private async ValueTask<bool> ChargeAsync(
        ClientKey client,
        long kilobytes,
        bool isLong,
        TimeSpan? maxWait,
        CancellationToken cancellationToken
    )
    {
        if (gates.Spare is not null && !isLong)
            return IsBeyondRate(client, kilobytes);

        if (_kilobytes is null || kilobytes == 0)
            return false;

        var wait =
            _kilobytes.Charge(client, kilobytes, maxWait)
            ?? throw new RefusedException(
                isOwnExcess: true,
                "Too many bytes",
                "More than ten seconds' worth of your bytes already wait (Limits:PublishKilobytesPerSecond)."
            );
        await Task.Delay(wait, clock, cancellationToken);

        return false;
    }

    private sealed record ChargedBody(long Kilobytes);
}
