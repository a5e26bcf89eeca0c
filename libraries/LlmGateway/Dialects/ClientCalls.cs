using LlmGateway.Generations;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects;

/// <summary>Calls of an answer that have no result yet. The application's own tools have theirs before the answer
/// ends.</summary>
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

    /// <summary>Returns the calls that the client has to run: none of an answer that was cancelled, or that a limit has
    /// cut.</summary>
    /// <param name="finish">The reason of the end.</param>
    public IReadOnlyList<FunctionCallContent> AtEnd(string? finish) =>
        finish is GenerationEvents.Cancelled or "length" or "content_filter" ? [] : _open;
}
