using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using StreamApi.Events;
using StreamApi.Security;

namespace Unit.Events;

/// <summary>Streams that are looked up by the text of their query.</summary>
public sealed class KnownSubscriptionsTests
{
    private static readonly Caller Anybody = Caller.Local;
    private static readonly Caller ReaderOfA = new("a", new TopicGrants(["a"], []));

    private readonly KnownSubscriptions _known = new();

    [Fact]
    public void A_crowd_with_one_query_has_it_parsed_once()
    {
        var first = Subscribe("?topic=a&type=t&key=k&envelope=true&from=earliest&slow=latest");
        Assert.Same(first, Subscribe("?topic=a&type=t&key=k&envelope=true&from=earliest&slow=latest"));
        Assert.NotSame(first, Subscribe("?topic=a&type=t&key=k&envelope=false&from=earliest&slow=latest"));
        Assert.NotSame(first, Subscribe("?topic=b&type=t&key=k&envelope=true&from=earliest&slow=latest"));
    }

    [Fact]
    public void A_known_stream_is_refused_to_a_caller_that_may_not_read_its_topics()
    {
        Subscribe("?topic=b");
        Subscribe("?topic=a", ReaderOfA);

        Assert.Equal(403, Refused("?topic=b", ReaderOfA).Status);
        Assert.Equal(401, Refused("?topic=b", ReaderOfA with { Ticket = Guid.NewGuid() }).Status);
        Assert.Equal(403, Refused("?topic=a", new("nobody", TopicGrants.None)).Status);
    }

    [Theory]
    [InlineData("GET", "?topic=a&ticket=secret")]
    [InlineData("GET", "?topic=a&TICKET=secret")]
    [InlineData("GET", "?topic=a&last_event_id=e-1")]
    [InlineData("GET", "?topic=a&lastEventId=e-1")]
    [InlineData("GET", "?topic=a&unknown=1")]
    // The caller's grants are the topics.
    [InlineData("GET", "?type=t")]
    [InlineData("GET", "")]
    // A body may have replaced the query.
    [InlineData("POST", "?topic=a")]
    [InlineData("QUERY", "?topic=a")]
    public void A_query_with_anything_of_its_caller_is_not_kept(string method, string query)
    {
        Subscribe(query, method: method);
        Assert.Equal(0, _known.Count);
    }

    [Theory]
    [InlineData("?topic=b")] // not allowed
    [InlineData("?topic=a&topic=..")]
    [InlineData("?topic=a&envelope=x")]
    public void A_refusal_is_not_kept(string query)
    {
        Refused(query, ReaderOfA);
        Assert.Equal(0, _known.Count);
    }

    [Fact]
    public void The_texts_kept_are_few_and_short()
    {
        var longest = "?topic=" + new string('a', 200) + "&type=" + new string('t', 200) + "&key=";
        Subscribe(longest + new string('k', KnownSubscriptions.MaxLength - longest.Length + 1));
        Assert.Equal(0, _known.Count);
        Subscribe(longest + new string('k', KnownSubscriptions.MaxLength - longest.Length));
        Assert.Equal(1, _known.Count);

        Parallel.For(
            0,
            3 * KnownSubscriptions.MaxTexts,
            n =>
            {
                Subscribe($"?topic=a.{n}");
                Assert.InRange(_known.Count, 0, KnownSubscriptions.MaxTexts);
            }
        );
        Assert.Same(Subscribe("?topic=again"), Subscribe("?topic=again"));
    }

    private EventStreamResult Subscribe(string query, Caller? caller = null, string method = "GET")
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Request.QueryString = new QueryString(query);
        context.Features.Set(caller ?? Anybody);
        return SubscribeApi.Subscribe(context, _known);
    }

    private InvalidRequestException Refused(string query, Caller caller) =>
        Assert.Throws<InvalidRequestException>(() => Subscribe(query, caller));
}
