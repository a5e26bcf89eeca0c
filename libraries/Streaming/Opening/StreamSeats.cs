using Microsoft.Extensions.Options;
using Streaming.Admission;
using Streaming.Endpoints;

namespace Streaming.Opening;

/// <summary>Gives each open stream a seat. Limits the seats of the replica, of a pool and, once half of all seats are
/// taken, of a client. Thread-safe.</summary>
internal sealed class StreamSeats(IOptions<SseOptions> options, IConfiguration configuration)
{
    /// <summary>Seats of a pool without a size in section <c>AspireSse:Pools</c>, and the maximum size.</summary>
    public const int DefaultPoolSize = 1_000,
        MaxPoolSize = 1_000_000;

    private readonly Dictionary<string, int> _pools = PoolsIn(configuration);
    private readonly CountsByKey<string> _ofPools = new(StringComparer.OrdinalIgnoreCase);
    private readonly CountsByKey<string> _ofPersons = new();
    private readonly CountsByKey<string> _ofAccounts = new();
    private int _taken;

    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Reads the sizes of the pools.</summary>
    /// <exception cref="OptionsValidationException">A size is not a whole number from 1 to 1,000,000.</exception>
    public static Dictionary<string, int> PoolsIn(IConfiguration configuration) =>
        configuration
            .GetSection("AspireSse:Pools")
            .GetChildren()
            .Where(pool => pool.Value is { Length: > 0 })
            .ToDictionary(pool => pool.Key, SizeOf, StringComparer.OrdinalIgnoreCase);

    /// <summary>Takes a seat, to be disposed, or refuses the request and returns null.</summary>
    public async ValueTask<IDisposable?> TakeAsync(HttpContext context, ClientKey client)
    {
        var pool = context.GetEndpoint()?.Metadata.GetMetadata<StreamPool>()?.Name;
        var verdict = TryTake(pool, client, context.IsResume(), out var seat);
        if (seat is null)
            await context.RefuseSeatAsync(verdict);
        return seat;
    }

    /// <summary>Takes a seat here and in the named pool, if any. Dispose it to give both back.</summary>
    /// <param name="resume">True if the client resumes. It may use the reserve, and twice its limit, because its old
    /// streams may still count.</param>
    public ShareVerdict TryTake(string? pool, ClientKey client, bool resume, out IDisposable? seat)
    {
        var taken = new TakenSeat(this, pool, client);
        var verdict = Judge(taken, resume);
        seat = verdict == ShareVerdict.Admitted ? taken : null;
        if (seat is null)
            taken.Dispose();
        return verdict;
    }

    private ShareVerdict Judge(TakenSeat seat, bool resume)
    {
        var all = options.Value.MaxConnections;
        if (seat.Number > WithReserve(all) || seat.OfPool > WithReserve(seat.PoolSize))
            return ShareVerdict.Full;

        // A client is limited only once half of the seats are taken.
        if (options.Value.MaxConnectionsPerClient is not (> 0 and var ofPerson) || seat.Number <= all / 2)
            return ShareVerdict.Admitted;

        var factor = resume ? 2L : 1;
        var ofAccount = all / _ofAccounts.Clients;
        return seat.OfPerson > factor * ofPerson || seat.OfAccount > factor * ofAccount
            ? ShareVerdict.OwnExcess
            : ShareVerdict.Admitted;

        int WithReserve(int seats) => resume ? seats + seats * options.Value.ResumeReservePercent / 100 : seats;
    }

    private static int SizeOf(IConfigurationSection pool) =>
        int.TryParse(pool.Value, out var size) && size is >= 1 and <= MaxPoolSize
            ? size
            : throw new OptionsValidationException(
                "Pools",
                typeof(StreamSeats),
                [$"AspireSse:Pools:{pool.Key} is '{pool.Value}'; it must be a whole number from 1 to {MaxPoolSize}."]
            );

    private sealed class TakenSeat(StreamSeats seats, string? pool, ClientKey client) : IDisposable
    {
        private int _given;

        /// <summary>Seats taken with this one: in all, of its pool, of its person, of its account.</summary>
        public int Number { get; } = Interlocked.Increment(ref seats._taken);
        public int OfPool { get; } = pool is null ? 0 : seats._ofPools.Add(pool);
        public int OfPerson { get; } = seats._ofPersons.Add(client.Person);
        public int OfAccount { get; } = seats._ofAccounts.Add(client.Account);

        public int PoolSize => pool is null ? 0 : seats._pools.GetValueOrDefault(pool, DefaultPoolSize);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _given, 1) != 0)
                return;

            Interlocked.Decrement(ref seats._taken);

            if (pool is not null)
                seats._ofPools.Remove(pool);

            seats._ofPersons.Remove(client.Person);
            seats._ofAccounts.Remove(client.Account);
        }
    }
}
