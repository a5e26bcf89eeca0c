using Streaming.Requests;

namespace LlmGateway.Requests;

/// <summary>
/// Names of the members of one API's requests. Each row begins with the kind of an object, and an object without a row
/// is not checked: a call's arguments have names of their own.
/// <code>
/// request: members of the request that are read, or that are hints
/// refused: members of the request that change the answer, and that another vendor's API lacks
/// text: members of an object with this type
/// .source: members of an object without a type that is the value of this member
/// </code>
/// </summary>
/// <remarks>Another name may be misspelt, so it is refused. Rows of one kind are one row.</remarks>
internal sealed class RequestNames
{
    /// <summary>Members in which an object may have other objects.</summary>
    private static readonly string[] Outer = "content output summary tool_calls function image_url source".Split(' ');

    private readonly Dictionary<string, string[]> _rows;
    private readonly string[] _request;

    public RequestNames(string rows)
    {
        Dictionary<string, List<string>> read = [];
        List<string> row = [];
        foreach (var word in rows.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            if (word.EndsWith(':'))
                row = read[word[..^1]] = read.GetValueOrDefault(word[..^1]) ?? [];
            else
                row.Add(word);

        _rows = read.ToDictionary(names => names.Key, names => names.Value.ToArray());
        Refused = Row("refused");
        _request = [.. Row("request"), .. Refused];
    }

    public IReadOnlyList<string> Refused { get; }

    /// <summary>Refuses unknown members of a request.</summary>
    /// <exception cref="InvalidChatException">A member is not known. The exception names it.</exception>
    public void Check(RequestValue body) => Check(body, _request);

    /// <summary>Refuses unknown members of the objects in a value.</summary>
    /// <param name="value">The value, or null if there is none.</param>
    /// <param name="row">The row of an object without a type.</param>
    /// <inheritdoc cref="Check(RequestValue)" path="/exception"/>
    public void CheckObjects(RequestValue? value, string row)
    {
        if (value is { Json.ValueKind: JsonValueKind.Array } list)
            foreach (var item in list.Items(int.MaxValue))
                CheckObjects(item, row);
        if (value is not { IsObject: true } json)
            return;

        var type = json.Get("type") is { IsText: true } text ? text.AsText() : row;
        if (!_rows.TryGetValue(type, out var names))
            return;

        Check(json, names);
        foreach (var name in Outer)
            CheckObjects(json.Get(name), $".{name}");
    }

    private string[] Row(string name) => _rows.GetValueOrDefault(name) ?? [];

    private static void Check(RequestValue value, string[] known)
    {
        var sent = value.Json.EnumerateObject().Where(member => member.Value.ValueKind != JsonValueKind.Null);
        try
        {
            UnknownNames.Refuse(known, sent.Select(member => member.Name), StringComparer.Ordinal);
        }
        catch (InvalidRequestException e)
        {
            throw new InvalidChatException(value.PathOf(e.Field), e.Problem);
        }
    }
}
