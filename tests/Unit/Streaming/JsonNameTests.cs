using System.Text;

namespace Unit.Streaming;

/// <summary>Member names with half of a surrogate pair: a lookup of any other name would throw.</summary>
public sealed class JsonNameTests
{
    [Theory]
    [InlineData("""{"\ud800":1,"topic":"a"}""")]
    [InlineData("""{"\uDFFF":1}""")]
    [InlineData("""{"\uD83d\ud83d\ude00":1}""")]
    [InlineData("""[{"data":{"deep":[{"a\ud800b":1}]}}]""")]
    public async Task A_name_that_is_no_text_is_refused_wherever_it_is(string json)
    {
        var error = await Assert.ThrowsAsync<InvalidRequestException>(() => ParseAsync(json));

        Assert.Equal(("body", 400), (error.Field, error.Status));
        Assert.Contains("unpaired surrogate", error.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"\ud83d\ude00":1}""")]
    [InlineData("""{"\\ud800":1}""")]
    [InlineData("""{"a":"\ud800"}""")] // a value, whose reader names its field
    public Task Other_names_are_not(string json) => ParseAsync(json);

    private static async Task ParseAsync(string json)
    {
        using var _ = await JsonRequest.ParseAsync(Encoding.UTF8.GetBytes(json));
    }
}
