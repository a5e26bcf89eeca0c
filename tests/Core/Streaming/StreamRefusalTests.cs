using Microsoft.AspNetCore.Http;

namespace Core.Streaming;

public sealed class StreamRefusalTests
{
    [Theory]
    [InlineData("x-7", true, false, true)]
    [InlineData("x-7", true, true, true)]
    [InlineData("7", true, true, true)]
    [InlineData("0", true, true, true)]
    [InlineData("7", true, false, false)] // malformed there, so a new stream
    [InlineData("-7", true, true, false)]
    [InlineData("seven", true, true, false)]
    [InlineData("", true, true, false)]
    [InlineData("x-7", false, false, false)] // a stream without ids
    public void A_request_is_a_resume_if_its_last_id_is_valid_at_its_endpoint(
        string last,
        bool resumes,
        bool hasOrdinals,
        bool expected
    )
    {
        var context = new DefaultHttpContext();
        context.Request.Headers["Last-Event-ID"] = last;
        var metadata = new StreamMetadata("", [], resumes, hasOrdinals);
        context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(metadata), null));
        Assert.Equal(expected, context.IsResume());
    }
}
