using System.Text;
using Microsoft.AspNetCore.Http;
using Streaming.Admission;

namespace Unit.Streaming;

public sealed class JsonMemoryTests
{
    private const int Row = 12;

    private static readonly ClientKey Client = ClientKey.OfUser("a");

    /// <summary>Prose is full of commas and colons, of which the parser keeps nothing.</summary>
    [Theory]
    [InlineData("""["a, b: c, {d} [e]"]""", 2)]
    [InlineData("""["\", \\", "b"]""", 3)]
    [InlineData("""{"a":",","b":[1,2]}""", 8)]
    [InlineData("""["unfinished, """, 2)]
    [InlineData("""["unfinished \""", 2)]
    [InlineData("[1,2,3]", 4)]
    public void Only_what_the_parser_keeps_is_counted_beside_the_text(string text, int rows)
    {
        var body = Encoding.UTF8.GetBytes(text);
        Assert.Equal(2 * body.Length + rows * Row, JsonRequest.MemoryOf(body, copies: 2));
    }

    /// <summary>A 429 would have the client send it again and again.</summary>
    [Fact]
    public void What_can_never_fit_is_too_large_and_not_to_be_tried_again()
    {
        var ledger = new ByteLedger(limit: 1024 * 1024);
        using var hold = new ByteHold(ledger, Client);
        var refused = Assert.Throws<RefusedException>(() => hold.Set(1024 * 1024 + 1));
        Assert.Equal(StatusCodes.Status413PayloadTooLarge, refused.Status);
        Assert.Null(refused.RetryAfter);
        Assert.Equal(0, ledger.Held);
    }
}
