using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.Demo;

/// <summary>Creates the updates of one answer of the demo model.</summary>
/// <param name="model">The requested model.</param>
/// <param name="input">Tokens of the prompt.</param>
internal sealed class DemoAnswer(string? model, long input)
{
    private readonly string _id = Guid.CreateVersion7().ToString("N");

    public ChatResponseUpdate Text(string text) => new(ChatRole.Assistant, text) { ResponseId = _id, ModelId = model };

    /// <summary>Creates the last update, with the usage.</summary>
    public ChatResponseUpdate Last(ChatFinishReason reason, long output, AIContent? content = null)
    {
        var last = new ChatResponseUpdate
        {
            Role = ChatRole.Assistant,
            ResponseId = _id,
            ModelId = model,
            FinishReason = reason,
        };

        if (content is not null)
            last.Contents.Add(content);

        last.Contents.Add(
            new UsageContent(
                new UsageDetails
                {
                    InputTokenCount = input,
                    OutputTokenCount = output,
                    TotalTokenCount = input + output,
                }
            )
        );

        return last;
    }
}
