using System.Text;
using LlmGateway.Chat;

namespace Unit.Llm;

public class ChatFramesTests
{
    [Theory]
    [InlineData(null, "data: {\"content\":\"a\"}\n\n")]
    [InlineData(true, "event: content\ndata: {\"content\":\"a\"}\n\n")]
    [InlineData(false, "data: {\"type\":\"content\",\"content\":\"a\"}\n\n")]
    public void A_frame_without_a_name_has_it_in_its_data_where_that_is_asked_for(bool? named, string frame) =>
        Assert.Equal(frame, Encoding.UTF8.GetString(new ChatFrames(named).Content(new { content = "a" })));
}
