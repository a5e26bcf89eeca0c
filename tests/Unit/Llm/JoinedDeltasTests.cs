using System.Text.Json.Nodes;
using LlmGateway.Dialects;

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

    /// <summary>As OpenRouter sends them, with each piece.</summary>
    [Fact]
    public void Only_texts_are_appended_and_what_names_something_is_not()
    {
        var joined = new JoinedDeltas();
        foreach (var text in (string[])["I ", "think."])
            joined.Add(Reasoning($$""" "text":"{{text}}","format":"anthropic-claude-v1" """));
        joined.Add(Reasoning(""" "signature":"sig==","format":"anthropic-claude-v1" """));
        joined.Add(Reasoning(""" "signature":"","format":"" """));

        const string Whole = """
            {"type":"reasoning.text","text":"I think.","format":"anthropic-claude-v1","signature":"sig=="}
            """;
        Assert.Equal(Whole.Trim(), joined.ToJson()["reasoning_details"]![0]!.ToJsonString());
    }

    [Fact]
    public void Items_with_the_same_number_are_one_and_the_others_are_all_kept()
    {
        var joined = new JoinedDeltas();
        foreach (var piece in (string[])["{", "}"])
            joined.Add(
                JsonNode
                    .Parse($$"""{"calls":[{"index":0,"id":"a","arguments":"{{piece}}"},{"url":"x"},null]}""")!
                    .AsObject()
            );
        Assert.Equal(
            """{"calls":[{"id":"a","arguments":"{}"},{"url":"x"},null,{"url":"x"},null]}""",
            joined.ToJson().ToJsonString()
        );
    }

    private static JsonObject Reasoning(string members) =>
        JsonNode.Parse($$"""{"reasoning_details":[{"index":0,"type":"reasoning.text",{{members}}}]}""")!.AsObject();
}
