using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>A tool call of an answer, as far as its deltas have come.</summary>
/// <param name="ordinal">Number of the call in its answer, from 0.</param>
/// <param name="index">The provider's number.</param>
/// <param name="id">The id for clients, unique in its answer.</param>
internal sealed class ToolCallDelta(int ordinal, long? index, string id)
{
    private readonly StringBuilder _arguments = new();

    public int Ordinal => ordinal;
    public long? Index => index;
    public string Id => id;

    /// <summary>The provider's id.</summary>
    public string? SentId { get; private set; }

    public string? Name { get; private set; }

    /// <summary>True if a delta before the last one had the name: the client has it, and the id.</summary>
    public bool IsShown { get; private set; }

    /// <summary>The arguments of the last delta.</summary>
    public string Taken { get; private set; } = "";

    /// <summary>The arguments if no deltas of them follow before the end of the call; an object without members may
    /// only hold their place.</summary>
    public JsonObject? Input { get; set; }

    /// <summary>True for a call of a tool that takes text, which has no JSON.</summary>
    public bool TakesText { get; set; }

    /// <summary>True if there are no arguments yet.</summary>
    private bool IsBlank => string.IsNullOrWhiteSpace(_arguments.ToString());

    /// <summary>The arguments if they are an object, which nothing can continue.</summary>
    private JsonObject? Whole =>
        _arguments.Length > 0 && _arguments[^1] is '}' or ' ' or '\n' ? ToolCalls.Object($"{_arguments}") : null;

    /// <summary>True if a delta begins another call, though it has this one's id or number, or neither.</summary>
    public bool IsFollowedBy(long? nextIndex, string? nextId, string? name, string piece)
    {
        if (nextId is not null && SentId is not null && nextId != SentId)
            return true;
        if (name is null || Name is null)
            return false;

        // Some servers repeat the name in each delta, others the whole call at the end.
        return name != Name
            || (nextIndex is null && nextId is null && IsBlank)
            || (Whole is { } whole && (nextId is null || !IsRepetition(piece, whole)));
    }

    public void Add(string? sentId, string? name, string piece)
    {
        IsShown = Name is not null;
        SentId ??= sentId;
        Name ??= name;
        Taken = sentId is not null && Whole is { } whole && IsRepetition(piece, whole) ? "" : piece;
        _arguments.Append(Taken);
    }

    /// <summary>Takes the provider's end of the call.</summary>
    public void Close()
    {
        if (IsBlank)
            _arguments.Append(Input?.ToJsonString(RunJson.Options));
    }

    /// <summary>The call as content. A call that the end of the answer has cut keeps its text, which is no JSON
    /// then.</summary>
    /// <exception cref="UpstreamException">The provider has not sent the name or the arguments. A tool must not run
    /// with arguments that nobody sent.</exception>
    public FunctionCallContent ToContent(bool isCut, ChatOptions? chat)
    {
        if (Name is null && !isCut)
            throw AnswerDeltas.Incomplete("the provider sent a tool call without a name.");

        var isMissing = IsBlank && !isCut && !TakesText;
        if (isMissing && !ToolCalls.TakesNothing(Name!, chat))
            throw AnswerDeltas.Incomplete($"the provider sent a call of {Name} without arguments.");
        return ToolCalls.Parse(Id, Name ?? "", isMissing ? "{}" : _arguments.ToString());
    }

    private static bool IsRepetition(string piece, JsonObject whole) =>
        string.IsNullOrWhiteSpace(piece) || JsonNode.DeepEquals(ToolCalls.Object(piece), whole);
}
