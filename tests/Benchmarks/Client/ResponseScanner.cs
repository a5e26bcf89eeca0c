using System.Buffers;
using System.Globalization;
using System.Text;

namespace Benchmarks.Client;

/// <summary>Finds the end of one short response.</summary>
internal sealed class ResponseScanner
{
    private readonly ArrayBufferWriter<byte> _bytes = new(512);

    public int Status { get; private set; }

    /// <summary>Returns true when the response is complete.</summary>
    public bool Read(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        var all = _bytes.WrittenSpan;
        var end = all.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return false;

        var head = Encoding.ASCII.GetString(all[..end]);
        Status = int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture);
        var body = all[(end + 4)..];
        const string length = "content-length:";
        var at = head.IndexOf(length, StringComparison.OrdinalIgnoreCase);
        if (at >= 0)
            return body.Length >= int.Parse(head[(at + length.Length)..].Split('\r')[0], CultureInfo.InvariantCulture);

        return !head.Contains("chunked", StringComparison.OrdinalIgnoreCase) || body.EndsWith("0\r\n\r\n"u8);
    }
}
