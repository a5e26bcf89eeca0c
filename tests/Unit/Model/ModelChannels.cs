namespace Unit.Model;

/// <summary>Redis as one replica sees it: its subscriptions, and messages under way, in order within a channel only.
/// Messages are lost, repeated and reordered at random.</summary>
internal sealed class ModelChannels(int slots, Random random)
{
    public const int Servers = 2;

    /// <summary>Numbers of the two channels that are no slot.</summary>
    public int Pages => slots;
    public int Heartbeats => slots + 1;

    private readonly Dictionary<int, List<byte[]>> _inFlight = [];

    /// <summary>Percentages of the messages.</summary>
    public int Lost { get; set; }
    public int Repeated { get; set; }
    public int Overtaking { get; set; }

    /// <summary>Number of an unavailable server, which carries none of its slots; null: all are available. Indexes and
    /// heartbeats come through the others.</summary>
    public int? Away { get; set; }

    public bool Has(int channel) => _inFlight.ContainsKey(channel);

    public void Subscribe(int channel) => _inFlight.TryAdd(channel, []);

    public void Unsubscribe(int channel) => _inFlight.Remove(channel);

    /// <summary>The server has forgotten everything.</summary>
    public void Clear() => _inFlight.Clear();

    public void Publish(int channel, byte[] message)
    {
        if (!_inFlight.TryGetValue(channel, out var messages) || random.Next(100) < Lost || IsAway(channel))
            return;
        var at = messages.Count > 0 && random.Next(100) < Overtaking ? messages.Count - 1 : messages.Count;
        messages.Insert(at, message);
        if (random.Next(100) < Repeated)
            messages.Add(message);
    }

    /// <summary>True for a slot of the unavailable server.</summary>
    public bool IsAway(int channel) => channel < slots && channel % Servers == Away;

    /// <summary>Takes the next message of some channel; null: none is on its way.</summary>
    public (int Channel, byte[] Message)? Take()
    {
        var waiting = _inFlight.Where(c => c.Value.Count > 0).Select(c => c.Key).Order().ToList();
        if (waiting.Count == 0)
            return null;
        var channel = waiting[random.Next(waiting.Count)];
        var message = _inFlight[channel][0];
        _inFlight[channel].RemoveAt(0);
        return (channel, message);
    }
}
