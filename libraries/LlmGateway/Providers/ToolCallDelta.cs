using System.Text;

namespace LlmGateway.Providers;

/// <summary>A tool call of an answer, made of the deltas that have arrived.</summary>
/// <param name="ordinal">Number of the call in its answer, from 0.</param>
/// <param name="index">The provider's number.</param>
/// <param name="id">The id for clients, unique in the answer.</param>
internal sealed class ToolCallDelta(int ordinal, long? index, string id)
{
    private readonly StringBuilder _arguments = new();

    public int Ordinal => ordinal;
    public long? Index => index;
    public string Id => id;

    /// <summary>The provider's id.</summary>
    public string? SentId { get; private set; }

    public string? Name { get; private set; }

    /// <summary>True if a delta before the last one had the name, so that the client has the name and the id.</summary>
    public bool IsShown { get; private set; }

    /// <summary>The arguments of the last delta.</summary>
    public string Taken { get; private set; } = "";

    /// <summary>The arguments that hold if the call ends without deltas of arguments. An object without members may
    /// only be a placeholder.</summary>
    public JsonObject? Input { get; set; }

    /// <summary>True if the arguments are <c>{}</c> so far, which may be a placeholder. A client could not take them
    /// back, so it gets them with the end.</summary>
    public bool IsPlaceholder { get; private set; }

    /// <summary>True for a call of a tool that takes text instead of JSON.</summary>
    public bool TakesText { get; set; }

    /// <summary>True if there are no arguments yet.</summary>
    private bool IsBlank => string.IsNullOrWhiteSpace(_arguments.ToString());

    /// <summary>The arguments if they are a complete object, which no delta can continue, else null.</summary>
    private JsonObject? Whole =>
        _arguments.Length > 0 && _arguments[^1] is '}' or ' ' or '\n' ? ToolCalls.Object($"{_arguments}") : null;

    /// <summary>Returns true if a delta begins another call, although it has this call's id or number, or
    /// neither.</summary>
    public bool IsFollowedBy(long? nextIndex, string? nextId, string? name, string piece)
    {
        if (nextId is not null && SentId is not null && nextId != SentId)
            return true;
        if (name is null || Name is null)
            return false;

        // Some servers repeat the name in each delta, others the whole call at the end.
        return name != Name
            || (nextIndex is null && nextId is null && IsBlank)
            || (Whole is { } whole && (nextId is null || !(IsPlaceholder || IsRepetition(piece, whole))));
    }

    public void Add(string? sentId, string? name, string piece)
    {
        IsShown = Name is not null;
        SentId ??= sentId;
        Name ??= name;
        Taken = sentId is not null && Whole is { } whole && IsRepetition(piece, whole) ? "" : piece;
        if (IsPlaceholder && string.IsNullOrWhiteSpace(Taken))
            return;

        if (IsPlaceholder)
            _arguments.Clear();
        _arguments.Append(Taken);
        IsPlaceholder = _arguments.Length == Taken.Length && !TakesText && Whole is { Count: 0 };
        if (IsPlaceholder)
            Taken = "";
    }

    /// <summary>Returns the arguments that a client has not got.</summary>
    public string TakeHeld()
    {
        IsPlaceholder = false;
        return _arguments.ToString();
    }

    /// <summary>Ends the call when the provider says so.</summary>
    public void Close()
    {
        if (IsBlank)
            _arguments.Append(Input?.ToJsonString(RunJson.Options));
    }

    /// <summary>Returns the call as content. If the end of the answer has cut the call, its arguments stay a text that
    /// is not JSON.</summary>
    /// <exception cref="UpstreamException">The provider has not sent the name or the arguments. A tool must not run
    /// with arguments that nobody sent.</exception>
    public FunctionCallContent ToContent(bool isCut, ChatOptions? chat)
    {
        // An input that came whole needs no end of its block.
        if (Input is { Count: > 0 })
            Close();
        if (Name is null && !isCut)
            throw UpstreamException.Incomplete("the provider sent a tool call without a name.");

        var isMissing = IsBlank && !isCut && !TakesText;
        if (isMissing && !ToolCalls.TakesNothing(Name!, chat))
            throw UpstreamException.Incomplete($"the provider sent a call of {Name} without arguments.");
        return ToolCalls.Parse(Id, Name ?? "", isMissing ? "{}" : _arguments.ToString());
    }

    public bool HasArguments(string text) => $"{_arguments}" == text || Whole is { } whole && IsRepetition(text, whole);

    private static bool IsRepetition(string piece, JsonObject whole) =>
        string.IsNullOrWhiteSpace(piece) || JsonNode.DeepEquals(ToolCalls.Object(piece), whole);
}
