namespace Core.Model;

/// <summary>The channel of Redis as one replica sees it: its subscription, and messages under way. They are lost,
/// repeated and reordered at random.</summary>
internal sealed class ModelChannel(ModelChance chance)
{
    private readonly List<byte[]> _underWay = [];
    private bool _isSubscribed;
    private int _lost;
    private int _repeated;
    private int _overtaking;

    public void Subscribe() => _isSubscribed = true;

    /// <summary>Percentages of the messages that are lost, repeated and overtaken.</summary>
    public void Treat(int lost, int repeated, int overtaking)
    {
        _lost = lost;
        _repeated = repeated;
        _overtaking = overtaking;
    }

    /// <summary>The server has forgotten everything.</summary>
    public void Clear()
    {
        _isSubscribed = false;
        _underWay.Clear();
    }

    public void Publish(byte[] message)
    {
        if (!_isSubscribed || chance.Next(100) < _lost)
            return;

        var overtakes = _underWay.Count > 0 && chance.Next(100) < _overtaking;
        _underWay.Insert(overtakes ? _underWay.Count - 1 : _underWay.Count, message);

        if (chance.Next(100) < _repeated)
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
