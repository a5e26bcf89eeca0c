using System.Text;
using System.Text.Json;
using StreamApi.Security;

namespace StreamApi.Events;

/// <summary>Parses a published event, <c>{"topic","type","data","key"?,"id"?}</c>; unknown members are
/// ignored.</summary>
internal static class EventDocument
{
    /// <exception cref="InvalidRequestException">The event is invalid; names the field.</exception>
    public static NewEvent Read(JsonElement json, EventsOptions limits, TopicGrants grants, string at = "")
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new InvalidRequestException(
                at.Length == 0 ? "body" : at.TrimEnd('.'),
                "an event must be a JSON object with topic, type and data."
            );

        var topic = Text(json, "topic", at) ?? throw new InvalidRequestException(at + "topic", "is required.");
        CheckTopic(topic, limits, grants, at + "topic");
        var type = Text(json, "type", at) ?? throw new InvalidRequestException(at + "type", "is required.");

        CheckType(type, at + "type");
        var key = Text(json, "key", at);
        if (key is not null && (key.Length > NewEvent.MaxNameLength || key.Contains('\0')))
            throw new InvalidRequestException(
                at + "key",
                $"must be at most {NewEvent.MaxNameLength} characters without NUL."
            );

        Guid? id = null;
        if (Text(json, "id", at) is { } text)
            id = Guid.TryParseExact(text, "D", out var parsed)
                ? parsed
                : throw new InvalidRequestException(at + "id", "must be a UUID.");

        if (!json.TryGetProperty("data", out var data))
            throw new InvalidRequestException(at + "data", "is required (any JSON).");

        return Checked(Made(topic, type, data, key, id, at + "data"), limits, at + "data");
    }

    private static void CheckTopic(string topic, EventsOptions limits, TopicGrants grants, string field)
    {
        if (topic.StartsWith(SystemTopics.Root, StringComparison.Ordinal))
            throw Forbidden("$sys topics are reserved for the system.");
        if (!TopicPattern.IsTopic(topic))
            throw new InvalidRequestException(
                field,
                $"must be dot-separated tokens of [A-Za-z0-9_-], at most {TopicPattern.MaxLength} characters."
            );
        if (topic.AsSpan().Count('.') >= TopicPattern.MaxDepth)
            throw new InvalidRequestException(field, $"must have at most {TopicPattern.MaxDepth} tokens.");

        if (limits.IsReserved(topic))
            throw Forbidden($"'{topic}' is reserved: it changes only through its own endpoints.");
        if (!grants.MayPublish(topic))
            throw Forbidden($"you may not publish to '{topic}'. This requires the claim sse.publish for it.");

        InvalidRequestException Forbidden(string why) => new(field, why, StatusCodes.Status403Forbidden);
    }

    private static void CheckType(string type, string field)
    {
        if (type.Length == 0 || type.Length > NewEvent.MaxNameLength || type.AsSpan().ContainsAny("\r\n\0"))
            throw new InvalidRequestException(
                field,
                $"must be 1 to {NewEvent.MaxNameLength} characters without CR, LF or NUL: it is the SSE event name."
            );
        if (NewEvent.ReservedTypes.Contains(type))
            throw new InvalidRequestException(
                field,
                $"'{type}' is reserved for the streams' own events: {string.Join(", ", NewEvent.ReservedTypes)}."
            );
    }

    private static string? Text(JsonElement json, string name, string at)
    {
        if (!json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind != JsonValueKind.String)
            throw new InvalidRequestException(at + name, "must be a string.");

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            throw new InvalidRequestException(at + name, "has an unpaired surrogate.");
        }
    }

    /// <summary>Makes the event, with its data as one line with minimal escaping; numbers stay as written.</summary>
    private static NewEvent Made(string topic, string type, JsonElement data, string? key, Guid? id, string field)
    {
        try
        {
            return NewEvent.Of(topic, type, data, key, id);
        }
        catch (ArgumentException e) when (e.ParamName == "data")
        {
            throw new InvalidRequestException(field, "has an unpaired surrogate, which is not valid UTF-8.");
        }
    }

    private static NewEvent Checked(NewEvent made, EventsOptions limits, string field)
    {
        var bytes = Encoding.UTF8.GetByteCount(made.Data);
        return bytes <= limits.MaxEventBytes
            ? made
            : throw new InvalidRequestException(
                field,
                $"is {bytes} bytes; the maximum is {limits.MaxEventBytes}.",
                StatusCodes.Status413PayloadTooLarge
            );
    }
}
