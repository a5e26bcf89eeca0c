using System.Text.Json.Nodes;
using LlmGateway.Dialects;
using LlmGateway.Dialects.AgUi;
using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;
using LlmGateway.Dialects.Responses;
using LlmGateway.Dialects.UiMessages;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>Answers as the writers of the dialects write them.</summary>
internal static class WrittenAnswers
{
    private static readonly RunHead Run = new(
        new RunName("answers", "r1"),
        new StreamPosition("e", 1),
        DateTimeOffset.UnixEpoch,
        Provider: null,
        "m"
    );

    /// <summary>Returns the frames of an answer with these contents, a line each.</summary>
    public static string FramesOf(string dialect, params AIContent[] contents)
    {
        var call = new ChatCall(new ChatTarget(null!, "mine", "m"), [], new CallOptions());
        AnswerWriter writer = dialect switch
        {
            "chat" => new ChatCompletionsWriter(Run, includeUsage: false, call),
            "chat of a run" => new ChatCompletionsWriter(Run, includeUsage: false),
            "chat of a run with usage" => new ChatCompletionsWriter(Run, includeUsage: true),
            "messages" => new MessagesWriter(Run, call),
            "messages of a run" => new MessagesWriter(Run),
            "responses" => new ResponsesWriter(Run, prompt: null),
            "ui" => new UiMessagesWriter(Run, continued: null),
            _ => new AgUiWriter(Run, "t1", "r1"),
        };
        List<JsonObject> frames =
        [
            .. writer.Start(),
            .. contents.SelectMany(content => writer.Next(new ChatResponseUpdate(ChatRole.Assistant, [content]))),
            .. writer.Next(new ChatResponseUpdate { FinishReason = ChatFinishReason.Stop }),
            .. writer.End(),
        ];
        return string.Join('\n', frames.Select(frame => frame.ToJsonString()));
    }
}
