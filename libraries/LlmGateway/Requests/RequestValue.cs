namespace LlmGateway.Requests;

/// <summary>A value of a request with its path, so that an error names the value. All of its texts are valid Unicode
/// (<see cref="ChatBody.Checked"/>).</summary>
/// <param name="Json">The value.</param>
/// <param name="Path">The path, or an empty text for the body.</param>
/// <param name="HasDots">True for paths as Anthropic writes them, such as <c>messages.0.content</c>, false for paths as
/// OpenAI does, such as <c>messages[0].content</c>.</param>
internal readonly record struct RequestValue(JsonElement Json, string Path = "", bool HasDots = false)
{
    public bool IsObject => Json.ValueKind == JsonValueKind.Object;
    public bool IsText => Json.ValueKind == JsonValueKind.String;

    /// <summary>Returns a member of an object, or null if it is missing or its value is null.</summary>
    public RequestValue? Get(string name) =>
        Json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? new RequestValue(value, PathOf(name), HasDots)
            : null;

    public RequestValue Required(string name) => Get(name) ?? throw Missing(name);

    public string PathOf(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    public InvalidChatException Invalid(string problem) => new(Path.Length == 0 ? "body" : Path, problem);

    public InvalidChatException Missing(string name) => new(PathOf(name), HasDots ? "Field required" : "is required.");

    public RequestValue AsObject() => IsObject ? this : throw Invalid("must be an object.");

    public string AsText() => IsText ? Json.GetString()! : throw Invalid("must be a string.");

    public string? Text(string name) => Get(name)?.AsText();

    public string RequiredText(string name) => Required(name).AsText();

    /// <summary>
    /// Reads a short text: a model, a role, a tool's name. Answers, telemetry and errors repeat it, so a long one would
    /// multiply the cost of a request.
    /// </summary>
    public string? Name(string name, int max = ChatBody.MaxName)
    {
        var text = Text(name);
        return text is null || text.Length <= max
            ? text
            : throw new InvalidChatException(PathOf(name), $"has at most {max} characters.");
    }

    /// <summary>Reads a name that must be present and not blank.</summary>
    public string RequiredName(string name, int max = ChatBody.MaxName) =>
        Name(name, max) is { } text && !string.IsNullOrWhiteSpace(text) ? text : throw Missing(name);

    /// <summary>Reads a list of bounded length.</summary>
    public List<RequestValue> Items(int max, string problem = "must be an array.")
    {
        if (Json.ValueKind != JsonValueKind.Array)
            throw Invalid(problem);
        if (Json.GetArrayLength() > max)
            throw Invalid($"has at most {max} items; here are {Json.GetArrayLength()}.");

        var path = Path;
        var hasDots = HasDots;
        return [.. Json.EnumerateArray().Select((item, i) => new RequestValue(item, PathOfItem(i), hasDots))];

        string PathOfItem(int i) => hasDots ? $"{path}.{i}" : $"{path}[{i}]";
    }

    /// <summary>Reads a list of bounded length, which is empty if the member is missing.</summary>
    public List<RequestValue> Items(string name, int max) => Get(name)?.Items(max) ?? [];

    /// <summary>Reads a flag, or returns null if the member is missing.</summary>
    public bool? Flag(string name) =>
        Get(name) is not { } value ? null
        : value.Json.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.Json.GetBoolean()
        : throw value.Invalid("must be true or false.");

    /// <summary>Returns true if a flag is there and true.</summary>
    public bool Is(string name) => Flag(name) == true;

    /// <summary>Reads a number from 0 to <paramref name="max"/>.</summary>
    public float? Number(string name, int max) =>
        Get(name) is not { } value ? null
        : value.Json.ValueKind == JsonValueKind.Number
        && value.Json.TryGetSingle(out var number)
        && number >= 0
        && number <= max
            ? number
        : throw value.Invalid($"must be a number from 0 to {max}.");

    /// <summary>Reads a positive whole number.</summary>
    public int? Count(string name) =>
        Get(name) is not { } value ? null
        : value.Json.ValueKind == JsonValueKind.Number && value.Json.TryGetInt32(out var count) && count > 0 ? count
        : throw value.Invalid("must be a whole number from 1.");
}
