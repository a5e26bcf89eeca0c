using System.Text;
using System.Text.Json;
using Streaming.Connections;

namespace Core.Model;

/// <summary>The way to one client. It takes a write at once, or later; the client reads what it has taken.</summary>
internal sealed class ModelOutput(ModelReader reader, PendingWriteBudget pending, ModelChance chance)
    : StreamOutput(pending)
{
    private readonly List<byte> _kept = [];
    private bool _isGone;
    private bool _isOpening;

    public override bool Chunked => false;

    public override bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
    {
        if (Busy)
            throw new InvalidOperationException("A busy output accepts no writes.");
        if (_isGone)
            return false;

        _kept.AddRange(bytes.Span);

        if (chance.OneIn(4))
            Busy = true;
        else
            Arrive();

        return true;
    }

    /// <summary>The client takes what was written, and the output accepts the next write.</summary>
    public void Take()
    {
        if (!Busy || _isGone)
            return;

        Arrive();
        Busy = false;
        Owner.Ready();
    }

    /// <summary>The client goes, and loses what it has not taken.</summary>
    public void Leave() => _isGone = true;

    private void Arrive()
    {
        var text = Encoding.UTF8.GetString([.. _kept]);
        _kept.Clear();
        foreach (var frame in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
            Read(frame.Split('\n'));
    }

    private void Read(string[] lines)
    {
        var (type, data) = (Field(lines, "event"), Field(lines, "data"));
        if (type == "skipped")
        {
            reader.Skip(IdOf(data!, "from"), IdOf(data!, "to"), Number(data!, "count"));
            _isOpening = false;
        }

        if (!StreamPosition.TryParse(Field(lines, "id"), out var at))
            return; // a comment, a time, or a farewell

        switch (type)
        {
            case "connected":
                reader.Advance(at, isFirst: true);
                _isOpening = true;
                return;
            case "resync":
                reader.Resync(ReasonOf(data!), at, isOpen: !_isOpening);
                break;
            case "position":
                reader.Advance(at);
                break;
            default:
                reader.Receive(at, int.Parse(data!));
                break;
        }

        _isOpening = false;
    }

    private static string? Field(string[] lines, string name)
    {
        var line = Array.Find(lines, line => line.StartsWith(name + ": ", StringComparison.Ordinal));
        return line?[(name.Length + 2)..];
    }

    private static StreamPosition IdOf(string data, string name) =>
        StreamPosition.TryParse(Property(data, name), out var id) ? id : throw new InvalidOperationException(data);

    private static ResyncReason ReasonOf(string data) =>
        Enum.Parse<ResyncReason>(Property(data, "reason"), ignoreCase: true);

    private static string Property(string data, string name)
    {
        using var document = JsonDocument.Parse(data);
        return document.RootElement.GetProperty(name).GetString()!;
    }

    private static int Number(string data, string name)
    {
        using var document = JsonDocument.Parse(data);
        return document.RootElement.GetProperty(name).GetInt32();
    }
}
