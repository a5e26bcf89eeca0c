using System.Text;
using Microsoft.Extensions.AI;
using static Unit.Llm.ProviderAnswers;

namespace Unit.Llm;

/// <summary>Bodies with bytes that are no events, and yet say something.</summary>
public sealed class UpstreamBodyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task A_byte_order_mark_may_be_split_over_packets(int at)
    {
        byte[] body = [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes($"data: {Hel}\n\ndata: {Stop}\n\n")];
        Assert.Equal(("Hel", "stop"), Said(await ReadAsync([body[..at], body[at..]])));
        byte[] whole =
        [
            .. body[..3],
            .. Encoding.UTF8.GetBytes(Hel.Replace("}}]}", "},\"finish_reason\":\"stop\"}]}", StringComparison.Ordinal)),
        ];
        Assert.Equal(("Hel", "stop"), Said(await ReadAsync([whole[..at], whole[at..]])));
    }

    [Theory]
    [InlineData("error: {\"code\":500,\"message\":\"out of memory\",\"type\":\"server_error\"}\n\n")]
    [InlineData("error: {\"code\":500,\"message\":\"out of memory\"}")]
    [InlineData("error: out of memory\n\ndata: [DONE]\n\n")]
    public async Task The_words_of_a_field_error_are_in_the_failure(string field)
    {
        var body = Encoding.UTF8.GetBytes($"data: {Hel}\n\n{field}");
        var at = body.AsSpan().IndexOf("ror:"u8);
        foreach (
            var packets in (byte[][][])
                [
                    [body],
                    [body[..at], body[at..]],
                ]
        )
        {
            var read = await ReadAsync(packets);
            Assert.Equal("Hel", Joined<TextContent>(read));
            Assert.Contains("out of memory", read.Failure!.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_page_in_place_of_an_answer_is_named_with_its_type_and_its_text()
    {
        const string Page =
            "<html><head><style>p { color: red }</style></head>\n<body><p>Please sign in</p></body></html>";
        var read = await ReadAsync([Encoding.UTF8.GetBytes(Page)], type: "text/html");
        Assert.Contains("text/html", read.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains("Please sign in", read.Failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("color", read.Failure.Message, StringComparison.Ordinal);
    }
}
