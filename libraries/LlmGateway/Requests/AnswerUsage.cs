using LlmGateway.Providers.Demo;

namespace LlmGateway.Requests;

/// <summary>The tokens of an answer: the provider's counts, and an estimate for each count that the provider does not
/// send, or sends as zero.</summary>
/// <param name="call">The request, or null for a run, which may have asked its model several times.</param>
internal sealed class AnswerUsage(ChatCall? call)
{
    private long _estimated;

    /// <summary>The provider's counts, or null until they arrive.</summary>
    public UsageDetails? Counted { get; private set; }

    public long Input => Counted?.InputTokenCount is > 0 and var count ? count : call?.InputTokens ?? 0;
    public long Output => Counted?.OutputTokenCount is > 0 and var count ? count : _estimated;

    /// <summary>Input tokens that the provider has read from its cache.</summary>
    public long? Cached => Counted?.CachedInputTokenCount;

    /// <summary>Output tokens that are reasoning.</summary>
    public long? Reasoning => Counted?.ReasoningTokenCount;

    public void Add(ChatResponseUpdate update)
    {
        foreach (var content in update.Contents)
            if (content is UsageContent usage && call is null)
                (Counted ??= new UsageDetails()).Add(usage.Details);
            else if (content is UsageContent last)
                Counted = last.Details;
            else
                _estimated += content switch
                {
                    TextContent text => DemoText.Count(text.Text),
                    TextReasoningContent reasoning => DemoText.Count(reasoning.Text),
                    FunctionCallContent tool => DemoText.Count(ToolCalls.Arguments(tool)),
                    _ => 0,
                };
    }
}
