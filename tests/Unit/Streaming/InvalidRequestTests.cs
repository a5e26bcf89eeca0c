using Streaming.Refusals;

namespace Unit.Streaming;

public sealed class InvalidRequestTests
{
    [Theory]
    [InlineData(400, "Invalid request")]
    [InlineData(404, "Not Found")]
    [InlineData(409, "Conflict")]
    [InlineData(418, "I'm a teapot")]
    public void The_title_of_a_refusal_says_the_same_as_its_status(int status, string title)
    {
        var result = new InvalidRequestException("id", "there is no order 'x'.", status).ToResult();
        Assert.Equal(title, Assert.IsType<ProblemAnswer>(result).Details.Title);
    }
}
