using System.Text;
using CsCheck;
using LlmGateway.Generations;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>A provider that goes on from a token says again what was stored after it.</summary>
public sealed class StoredAnswerTests
{
    private static readonly Gen<string> Piece = Gen.Int[0, 5].Select(i => "a|b |語|😀|\"|\n".Split('|')[i]);

    /// <summary>Whatever the pieces are in which it was stored, and those in which it is said again.</summary>
    [Fact]
    public Task What_is_stored_and_what_is_new_are_the_answer() =>
        Gen.Select(
                Gen.Select(Gen.Bool, Piece.Array[1, 4]).Array[1, 12],
                Gen.Int[0, 12],
                Gen.Int[0, 12],
                Gen.Bool,
                (said, token, lost, isSplit) =>
                {
                    lost = Math.Min(lost, said.Length);
                    return (said, Token: Math.Min(token, lost), Lost: lost, isSplit);
                }
            )
            .SampleAsync(async given =>
            {
                var (said, token, lost, isSplit) = given;
                var parts = said.Select(part => (IsText: part.Item1, Text: string.Concat(part.Item2))).ToList();
                var stored = await StoredAnswer.ReadAsync(Events().ToAsyncEnumerable());

                var answer = parts.Take(lost).ToList();
                foreach (var (isText, text) in parts.Skip(token))
                foreach (var piece in isSplit ? [.. text.Select(c => c.ToString())] : (string[])[text])
                {
                    var update = Update(isText, piece);
                    stored.Pass(update);
                    answer.AddRange(update.Contents.Select(c => (c is TextContent, c.ToString()!)));
                }

                Assert.True(stored.IsPassed);
                foreach (var isText in (bool[])[true, false])
                    Assert.Equal(Of(parts, isText), Of(answer, isText));

                IEnumerable<EventRecord> Events()
                {
                    for (var i = 0; i <= lost; i++)
                    {
                        if (i == token)
                            yield return Record(
                                GenerationEvents.ContinuesFrom(ResponseContinuationToken.FromBytes("t"u8.ToArray()))
                            );
                        if (i < lost)
                            yield return Record(
                                parts[i].IsText
                                    ? GenerationEvents.Token(parts[i].Text)
                                    : GenerationEvents.Reasoning(parts[i].Text)
                            );
                    }
                }
            });

    [Fact]
    public async Task The_newest_token_counts_and_calls_after_it_are_known()
    {
        var stored = await StoredAnswer.ReadAsync(
            new[]
            {
                GenerationEvents.ContinuesFrom(ResponseContinuationToken.FromBytes("one"u8.ToArray())),
                GenerationEvents.Token("a"),
                GenerationEvents.ContinuesFrom(ResponseContinuationToken.FromBytes("two"u8.ToArray())),
                GenerationEvents.ToolUse(new FunctionCallContent("1", "f")),
                new RunEvent("restarted", """{"attempt":2}"""),
            }
                .Select(Record)
                .ToAsyncEnumerable()
        );

        Assert.Equal("two", Encoding.UTF8.GetString(stored.Token!.ToBytes().Span));
        var update = new ChatResponseUpdate(
            ChatRole.Assistant,
            [new FunctionCallContent("1", "f"), new TextContent("b"), new FunctionCallContent("2", "g")]
        );
        stored.Pass(update);
        Assert.True(stored.IsPassed);
        Assert.Equal(
            ["b", "2"],
            update.Contents.Select(c => c is FunctionCallContent call ? call.CallId : c.ToString())
        );
    }

    [Fact]
    public async Task Without_a_token_nobody_goes_on() =>
        Assert.Null(
            (await StoredAnswer.ReadAsync(new[] { Record(GenerationEvents.Token("a")) }.ToAsyncEnumerable())).Token
        );

    private static string Of(IEnumerable<(bool IsText, string Text)> parts, bool isText) =>
        string.Concat(parts.Where(part => part.IsText == isText).Select(part => part.Text));

    private static ChatResponseUpdate Update(bool isText, string text) =>
        new(ChatRole.Assistant, [isText ? new TextContent(text) : new TextReasoningContent(text)]);

    private static EventRecord Record(RunEvent written) =>
        new()
        {
            At = new StreamPosition("e", 1),
            Id = Guid.NewGuid(),
            Topic = "generations.a",
            Type = written.Type,
            Data = Encoding.UTF8.GetBytes(written.Data),
        };
}
