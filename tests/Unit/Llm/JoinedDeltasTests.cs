using System.Text.Json.Nodes;
using LlmGateway.VendorApis;

namespace Unit.Llm;

public sealed class JoinedDeltasTests
{
    [Fact]
    public void A_member_that_is_null_in_each_delta_takes_no_memory()
    {
        var joined = new JoinedDeltas();
        var bytes = Enumerable
            .Range(0, 1_000)
            .Sum(_ => joined.Add(new JsonObject { ["content"] = "x", ["reasoning"] = null }));
        Assert.Equal(1_000, joined.ToJson()["content"]!.ToString().Length);
        // UTF-16, and one member.
        Assert.InRange(bytes, 2_000, 3_000);
    }
}
