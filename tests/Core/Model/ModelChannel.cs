namespace Core.Model;

/// <summary>The channel of Redis as one replica sees it: its subscription, and messages under way. They are lost,
/// repeated and reordered at random.</summary>
internal sealed class ModelChannel(ModelChance chance)
{
    private readonly List<byte[]> _underWay = [];
    private bool _isSubscribed;

    /// <summary>Percentages of the messages.</summary>
    public int Lost { get; set; }
    public int Repeated { get; set; }
    public int Overtaking { get; set; }

    public void Subscribe() => _isSubscribed = true;

    /// <summary>The server has forgotten everything.</summary>
    public void Clear()
    {
        _isSubscribed = false;
        _underWay.Clear();
    }

    public void Publish(byte[] message)
    {
        if (!_isSubscribed || chance.Next(100) < Lost)
            return;

        var overtakes = _underWay.Count > 0 && chance.Next(100) < Overtaking;
        _underWay.Insert(overtakes ? _underWay.Count - 1 : _underWay.Count, message);

        if (chance.Next(100) < Repeated)
            _underWay.Add(message);
    }

    /// <summary>Takes the next message. Null if none is under way.</summary>
    public byte[]? Take()
    {
        if (_underWay.Count == 0)
            return null;

        var message = _underWay[0];
        _underWay.RemoveAt(0);
        return message;
    }
}
