using System.Text.Json;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace LlmGateway.Requests;

/// <summary>
/// Reads the format that a request asks of its answer, for a provider of another vendor. The vendors' APIs have the
/// format, and the schema in it, in different places:
/// <code>
/// response_format       {"type":"json_schema","json_schema":{"name":"…","schema":{…},"strict":true}}
/// text.format           {"type":"json_schema","name":"…","schema":{…},"strict":true}
/// output_config.format  {"type":"json_schema","schema":{…}}
/// </code>
/// </summary>
internal static class AnswerSchema
{
    /// <param name="options">Receive the format.</param>
    /// <param name="target">The model.</param>
    /// <param name="path">Path of the format in the request.</param>
    /// <param name="format">The format.</param>
    /// <param name="nested">Name of the member with the schema, or null if the format itself has the schema.</param>
    /// <param name="isStrict">True if this API enforces a schema unless the request says otherwise.</param>
    /// <exception cref="InvalidChatException">The format is invalid, or the provider has no equivalent.</exception>
    public static void Set(
        CallOptions options,
        ChatTarget target,
        string path,
        JsonElement format,
        string? nested = null,
        bool isStrict = false
    )
    {
        if (format.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException(path, "must be an object with a type");

        var kind = ChatBody.Name(format, "type", path + ".");
        if (kind == "text")
            return;
        // The demo model writes prose, and Anthropic's API has no JSON format without a schema.
        if (
            kind is not ("json_schema" or "json_object")
            || target.Provider == "demo"
            || (kind == "json_object" && target.Provider == "anthropic")
        )
            throw InvalidChatException.Untranslatable(path, target.Provider);

        if (kind == "json_object")
        {
            options.ResponseFormat = ChatResponseFormat.Json;
            return;
        }

        if (nested is not null)
        {
            path = $"{path}.{nested}";
            format = ChatBody.Get(format, nested) is { ValueKind: JsonValueKind.Object } inner
                ? inner
                : throw new InvalidChatException(path, "is required");
        }

        if (ChatBody.Get(format, "schema") is not { ValueKind: JsonValueKind.Object } schema)
            throw new InvalidChatException(path + ".schema", "must be an object");

        options.ResponseFormat = ChatResponseFormat.ForJsonSchema(
            schema,
            ChatBody.Name(format, "name", path + "."),
            ChatBody.Text(format, "description", path + ".")
        );
        options.HasStrictSchema = ChatBody.OptionalFlag(format, "strict") ?? isStrict;
    }
}
