using LlmGateway.Providers;
using LlmGateway.Providers.Demo;

namespace LlmGateway.Requests;

/// <summary>The tokens of an answer: the provider's counts, and an estimate for each count that the provider does not
/// send, or sends as zero.</summary>
/// <param name="call">The request, or null for a run, which may have asked its model several times.</param>
internal sealed class AnswerUsage(ChatCall? call)
{
    private UsageDetails _counted = new();
    private long _estimated;

    public long Input => _counted.InputTokenCount is > 0 and var count ? count : call?.InputTokens ?? 0;
    public long Output => _counted.OutputTokenCount is > 0 and var count ? count : _estimated;

    /// <summary>Input tokens that the provider has read from its cache.</summary>
    public long? Cached => _counted.CachedInputTokenCount;

    /// <summary>Output tokens that are reasoning.</summary>
    public long? Reasoning => _counted.ReasoningTokenCount;

    public void Add(ChatResponseUpdate update)
    {
        foreach (var content in update.Contents)
            if (content is UsageContent usage && call is null)
                _counted.Add(usage.Details);
            else if (content is UsageContent last)
                _counted = last.Details;
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
