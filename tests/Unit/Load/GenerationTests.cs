using LoadTests.Llm;

namespace Unit.Load;

public class GenerationTests
{
    [Fact]
    public void Coalesced_tokens_are_separated_again_in_order()
    {
        var text = string.Concat(Enumerable.Range(1, 40).Select(n => TokenText.Of(n))).AsSpan();
        for (var sequence = 1; sequence <= 40; sequence++)
            Assert.Equal(sequence, TokenText.Next(ref text));
        Assert.True(text.IsEmpty);
    }

    [Theory]
    [InlineData("17:no such word ")]
    [InlineData("17")]
    [InlineData("x:a ")]
    [InlineData(" ")]
    public void Text_that_the_provider_did_not_send_is_no_token(string text)
    {
        var rest = text.AsSpan();
        Assert.Equal(0, TokenText.Next(ref rest));
        Assert.True(rest.Length < text.Length);
    }
}
