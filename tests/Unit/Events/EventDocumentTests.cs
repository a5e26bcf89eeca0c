using System.Text.Json;
using StreamApi.Events;

namespace Unit.Events;

public class EventDocumentTests
{
    [Fact]
    public void Data_becomes_one_compact_line_with_readable_text_and_numbers_as_written()
    {
        var published = Read(
            """
            {"topic":"a.b","type":"t","data":{ "n" : 1.50, "big":12345678901234567890,
                "ja":"\u3053んにちは", "emoji":"\ud83d\ude00", "lines":"x\ny" }}
            """
        );
        Assert.Equal(
            """{"n":1.50,"big":12345678901234567890,"ja":"こんにちは","emoji":"😀","lines":"x\ny"}""",
            published.Data
        );
    }

    [Theory]
    [InlineData("""[1]""", "body", 400)]
    [InlineData("""{"type":"t","data":1}""", "topic", 400)]
    [InlineData("""{"topic":1,"type":"t","data":1}""", "topic", 400)]
    [InlineData("""{"topic":"a.*","type":"t","data":1}""", "topic", 400)]
    [InlineData("""{"topic":"$sys.x","type":"t","data":1}""", "topic", 403)]
    [InlineData("""{"topic":"a","data":1}""", "type", 400)]
    [InlineData("""{"topic":"a","type":"","data":1}""", "type", 400)]
    [InlineData("""{"topic":"a","type":"x\ndata: forged","data":1}""", "type", 400)]
    [InlineData("""{"topic":"a","type":"t"}""", "data", 400)]
    [InlineData("""{"topic":"a","type":"t","data":1,"key":5}""", "key", 400)]
    [InlineData("""{"topic":"a","type":"t","data":1,"id":"7"}""", "id", 400)]
    [InlineData("""{"topic":"a","type":"t","data":"\ud800"}""", "data", 400)]
    [InlineData("""{"topic":"a","type":"\ud800","data":1}""", "type", 400)]
    public void An_error_names_its_field(string json, string field, int status)
    {
        var error = Assert.Throws<InvalidRequestException>(() => Read(json));
        Assert.Equal((field, status), (error.Field, error.Status));
    }

    [Fact]
    public void An_event_over_its_size_is_413()
    {
        var error = Assert.Throws<InvalidRequestException>(() =>
            Read($$"""{"topic":"a","type":"t","data":"{{new string('x', 1024 * 1024)}}"}""")
        );
        Assert.Equal(413, error.Status);
    }

    [Fact]
    public void Unknown_members_are_ignored_and_null_data_is_data() =>
        Assert.Equal("null", Read("""{"topic":"a","type":"t","data":null,"later":true}""").Data);

    private static NewEvent Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return EventDocument.Read(document.RootElement, new EventsOptions(), TopicGrants.All);
    }
}
