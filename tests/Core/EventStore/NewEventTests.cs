using System.Text;
using System.Text.Json;
using EventStore;

namespace Core.EventStore;

/// <summary>A JSON element is written as text that readers can parse, which is not parsed again.</summary>
public sealed class NewEventTests
{
    public static TheoryData<string> Texts =>
        [
            "1",
            "null",
            "1e400",
            "{ \"a\" : [ 1,\r\n\t2 ] }",
            "\"a\\r\\nb\\u0000\\u2028\\ud83d\\ude00\"",
            "{\"\\u00e4\\n\":\"\u00e4\"}",
            new string('[', 63) + new string(']', 63),
        ];

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_json_element_is_one_line_that_readers_can_parse(string text)
    {
        using var json = JsonDocument.Parse(text);
        var data = NewEvent.Of("t.1", "n", json.RootElement).Data;
        Assert.Equal(data, EventRules.Data(data));
        using var read = JsonDocument.Parse(data);
        Assert.True(JsonElement.DeepEquals(json.RootElement, read.RootElement), data);
    }

    [Fact]
    public void Bytes_of_a_json_element_that_are_no_utf8_do_not_reach_readers()
    {
        using var json = JsonDocument.Parse(new byte[] { (byte)'"', 0xFF, 0xED, 0xA0, 0x80, (byte)'"' });
        var data = NewEvent.Of("t.1", "n", json.RootElement).Data;
        Assert.Equal(data, EventRules.Data(data));
        Assert.DoesNotContain(Encoding.UTF8.GetBytes(data), b => b == 0xFF);
    }

    [Fact]
    public void A_json_element_with_half_a_character_or_too_deep_is_refused()
    {
        var deep = new JsonDocumentOptions { MaxDepth = 100 };
        foreach (var text in (string[])["\"\\ud83d\"", "{\"\\ude00\":1}", new string('[', 65) + new string(']', 65)])
        {
            using var json = JsonDocument.Parse(text, deep);
            var element = json.RootElement;
            Assert.ThrowsAny<Exception>(() => NewEvent.Of("t.1", "n", element));
        }
    }
}
