namespace LlmGateway.Requests;

/// <summary>Reads the parts that the messages of several APIs have.</summary>
internal static class RequestParts
{
    public static AIContent Text(RequestValue part) => new TextContent(part.RequiredText("text"));

    public static AIContent Refusal(RequestValue part) => RefusalText.Of(part.Text("refusal"));

    /// <summary>Reads a part that no other model takes.</summary>
    public static AIContent? Ignored(RequestValue part) => null;

    /// <summary>Reads reasoning, or returns null if nobody knows which provider made it.</summary>
    /// <param name="part">The part.</param>
    /// <param name="text">The part's member with the text.</param>
    /// <param name="signature">What the provider signed or encrypted, or null.</param>
    public static AIContent? Reasoning(RequestValue part, string text, string? signature) =>
        signature is null ? null : OwnReasoning.Unpack(part.Text(text), signature);

    /// <summary>Returns a part that only a provider with the same API can get, in the original body.</summary>
    /// <param name="part">The part.</param>
    /// <param name="member">The member that has the part's type.</param>
    public static AIContent Untranslatable(RequestValue part, string member = "type") =>
        new UntranslatableContent(part.PathOf(member), $"{part.Name(member)}");

    /// <summary>Reads an image with its detail.</summary>
    /// <param name="part">The part, which may be of an unknown form.</param>
    /// <param name="image">The object that has the address, or null if there is none.</param>
    /// <param name="address">The object's member with the address.</param>
    public static AIContent Image(RequestValue part, RequestValue? image, string address) =>
        image is { IsObject: true } source && source.Get(address) is { } url
            ? ImageDetail.WithDetail(Image(url), source.Name("detail"))
            : Untranslatable(part);

    /// <summary>Reads an image with a source, which has an address or the image itself.</summary>
    /// <param name="part">The part.</param>
    /// <param name="address">The source's member with the address.</param>
    /// <param name="dataType">The type of a source with the image itself.</param>
    /// <param name="mediaType">The source's member with the media type.</param>
    /// <param name="data">The source's member with the image.</param>
    public static AIContent Source(RequestValue part, string address, string dataType, string mediaType, string data)
    {
        if (part.Get("source") is not { IsObject: true } source)
            return Untranslatable(part);

        var type = source.RequiredName("type");
        return type == "url" ? Image(source.Required(address))
            : type == dataType ? Image($"data:{source.Name(mediaType)};base64,{source.Text(data)}", source.Path)
            // The id of an uploaded file means nothing to another vendor.
            : Untranslatable(source);
    }

    /// <summary>Reads the address of an image, or the image itself as a data URL.</summary>
    public static AIContent Image(RequestValue url) => Image(url.AsText(), url.Path);

    private static AIContent Image(string url, string path)
    {
        // A file path is an absolute URL too, and would name a file of this server.
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https" or "data"))
            throw new InvalidChatException(path, "must be an absolute URL of http or https, or a data URL.");

        try
        {
            if (uri.Scheme != "data")
                return new UriContent(uri, "image/*");

            var data = new DataContent(url);
            return data.HasTopLevelMediaType("image")
                ? data
                : throw new InvalidChatException(path, $"must be an image; its type is {data.MediaType}.");
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            throw new InvalidChatException(path, "must be a valid data URL.");
        }
    }

    /// <summary>Reads a call of a function. The model's arguments are a text.</summary>
    /// <param name="call">The call.</param>
    /// <param name="id">The call's member with its id.</param>
    /// <param name="function">The object that has the name and the arguments.</param>
    public static FunctionCallContent Call(RequestValue call, string id, RequestValue function) =>
        ToolCalls.Parse(
            call.RequiredName(id),
            function.RequiredName("name"),
            function.Text("arguments") is { Length: > 0 } arguments ? arguments : "{}"
        );
}
