using LlmGateway.Generations;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects;

/// <summary>Calls of an answer that have no result yet. Calls of the application's own tools get their results before
/// the answer ends.</summary>
internal sealed class ClientCalls
{
    private readonly List<FunctionCallContent> _open = [];

    public IReadOnlyList<FunctionCallContent> Open => _open;

    public void Add(FunctionCallContent call)
    {
        if (!call.InformationalOnly)
            _open.Add(call);
    }

    public void Answer(FunctionResultContent result) => _open.RemoveAll(call => call.CallId == result.CallId);

    /// <summary>Returns the calls that the client has to run. There are none if the answer was cancelled, or cut by a
    /// limit or a content filter.</summary>
    /// <param name="finish">The finish reason.</param>
    public IReadOnlyList<FunctionCallContent> AtEnd(string? finish) =>
        finish is GenerationEvents.Cancelled or "length" or "content_filter" ? [] : _open;
}
