using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Streaming.Connections;

/// <summary>Pools that limit streams of a kind. Section <c>Pools</c> has sizes by name; default: 1,000.</summary>
internal sealed class StreamPools(IConfiguration configuration)
{
    public const int DefaultPlaces = 1_000,
        MaxPlaces = 1_000_000;

    private readonly ConcurrentDictionary<string, StreamPool> _pools = new(StringComparer.OrdinalIgnoreCase);
    private readonly IConfigurationSection _section = configuration.GetSection("Pools");

    public StreamPool Of(string name) => _pools.GetOrAdd(name, static (n, pools) => new(pools.PlacesOf(n)), this);

    /// <exception cref="OptionsValidationException">A size is not a whole number from 1 to 1,000,000.</exception>
    public void Validate()
    {
        foreach (var pool in _section.GetChildren())
            PlacesOf(pool.Key);
    }

    private int PlacesOf(string name) =>
        _section[name] is not { Length: > 0 } text ? DefaultPlaces
        : int.TryParse(text, out var places) && places is >= 1 and <= MaxPlaces ? places
        : throw new OptionsValidationException(
            "Pools",
            typeof(StreamPools),
            [$"Pools:{name} is '{text}'; it must be a whole number from 1 to {MaxPlaces}."]
        );
}

/// <summary>Limits some of the server's streams. Thread-safe.</summary>
internal sealed class StreamPool(int places)
{
    private int _taken;

    /// <summary>Takes a place. Returns false if all places and the reserve are taken.</summary>
    public bool TryTake(int reservePercent)
    {
        if (Interlocked.Increment(ref _taken) <= places + places * reservePercent / 100)
            return true;
        Give();
        return false;
    }

    public void Give() => Interlocked.Decrement(ref _taken);
}
