namespace Unit.Model;

/// <summary>The channel of Redis as one replica sees it: its subscription, and messages under way. They are lost,
/// repeated and reordered at random.</summary>
internal sealed class ModelChannel(Random random)
{
    private readonly List<byte[]> _underWay = [];
    private bool _isSubscribed;

    /// <summary>Percentages of the messages.</summary>
    public int Lost { get; set; }
    public int Repeated { get; set; }
    public int Overtaking { get; set; }

    /// <summary>Returns true if the subscription begins.</summary>
    public bool Subscribe()
    {
        var begins = !_isSubscribed;
        _isSubscribed = true;
        return begins;
    }

    /// <summary>The server has forgotten everything.</summary>
    public void Clear()
    {
        _isSubscribed = false;
        _underWay.Clear();
    }

    public void Publish(byte[] message)
    {
        if (!_isSubscribed || random.Next(100) < Lost)
            return;

        var overtakes = _underWay.Count > 0 && random.Next(100) < Overtaking;
        _underWay.Insert(overtakes ? _underWay.Count - 1 : _underWay.Count, message);
        if (random.Next(100) < Repeated)
            _underWay.Add(message);
    }

    /// <summary>Takes the next message; null: none is under way.</summary>
    public byte[]? Take()
    {
        if (_underWay.Count == 0)
            return null;

        var message = _underWay[0];
        _underWay.RemoveAt(0);
        return message;
    }
}
