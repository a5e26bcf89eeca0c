using System.Buffers.Binary;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.Demo;

/// <summary>Creates the updates of one answer of the demo model.</summary>
/// <param name="chat">The request's options: the model, and whether another process may go on.</param>
/// <param name="input">Tokens of the prompt.</param>
internal sealed class DemoAnswer(ChatOptions? chat, long input)
{
    private readonly string _id = Guid.CreateVersion7().ToString("N");

    /// <param name="through">Number of the token that ends with the text.</param>
    public ChatResponseUpdate Text(string text, int through) =>
        new(ChatRole.Assistant, text)
        {
            ResponseId = _id,
            ModelId = chat?.ModelId,
            ContinuationToken = chat?.AllowBackgroundResponses == true ? new Place(through) : null,
        };

    /// <summary>Returns how many tokens the answer had before; the messages are those of its first request.</summary>
    public static int SentThrough(ResponseContinuationToken? token) =>
        token is null ? 0 : BinaryPrimitives.ReadInt32LittleEndian(token.ToBytes().Span);

    /// <summary>Creates the last update, with the usage.</summary>
    public ChatResponseUpdate Last(ChatFinishReason reason, long output, AIContent? content = null)
    {
        var last = new ChatResponseUpdate
        {
            Role = ChatRole.Assistant,
            ResponseId = _id,
            ModelId = chat?.ModelId,
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

    /// <summary>Written only when it is stored.</summary>
    private sealed class Place(int through) : ResponseContinuationToken
    {
        public override ReadOnlyMemory<byte> ToBytes()
        {
            var bytes = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, through);
            return bytes;
        }
    }
}
