using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using StreamApi.Events;

namespace Unit.Events;

public sealed class FilterQueryTests
{
    [Theory]
    [InlineData(100, 10, true)]
    [InlineData(32, 32, true)]
    [InlineData(33, 32, false)]
    [InlineData(100, 32, false)]
    public void A_filter_has_a_limited_number_of_tokens(int topics, int tokens, bool isValid)
    {
        var names = Enumerable
            .Range(0, topics)
            .Select(n => string.Join('.', Enumerable.Range(0, tokens).Select(_ => $"{n}")));
        var query = new QueryCollection(new Dictionary<string, StringValues> { ["topic"] = names.ToArray() });

        if (isValid)
            Assert.Equal(topics, FilterQuery.Read(query).Topics.Length);
        else
            Assert.Equal("topic", Assert.Throws<InvalidRequestException>(() => FilterQuery.Read(query)).Field);
    }
}
