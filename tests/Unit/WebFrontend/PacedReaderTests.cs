using System.Text.Json;
using WebFrontend.Patterns;

namespace Unit.WebFrontend;

public class PacedReaderTests
{
    private const string Chunk = """
        data: {"content":"a","buffer_size":1,"paused":false}


        """;

    [Theory]
    [InlineData("data: [DONE]\n\n", "end", null)]
    [InlineData("event: error\ndata: {\"error\":\"stopped\",\"fatal\":true}\n\n", "error", "stopped")]
    [InlineData("", "error", "The stream ended before the answer.")]
    public async Task Only_a_complete_answer_ends_without_an_error(string rest, string last, string? error)
    {
        var reader = new PacedReader("r", new Uri("http://localhost"), TimeProvider.System) { PerSecond = 1_000 };
        using var response = new HttpResponseMessage
        {
            Content = new StringContent(Chunk.ReplaceLineEndings("\n") + rest),
        };
        var items = await reader.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync();

        Assert.Equal(["reader", "chunk", last], items.Select(i => i.EventType));

        if (error is not null)
            Assert.Equal(error, JsonSerializer.SerializeToElement(items[^1].Data).GetProperty("error").GetString());
    }
}
