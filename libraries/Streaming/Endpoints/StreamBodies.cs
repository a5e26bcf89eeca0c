using System.Text.Json;
using Microsoft.Extensions.Primitives;
using Streaming.Access;

namespace Streaming.Endpoints;

/// <summary>Marks an endpoint whose query a client may also send as a JSON body.</summary>
/// <param name="MaxListValues">Maximum values of all lists of the body together
/// (<see cref="RequestParameter.Also"/>).</param>
internal sealed record StreamBody(int MaxListValues);

/// <summary>Reads the JSON body of a stream's request into the query, from which the endpoint reads.</summary>
internal static class StreamBodies
{
    /// <summary>Maximum values outside of the lists. All values become a part of the query, before the rate
    /// limiter.</summary>
    private const int MaxValues = 1_000;

    private sealed record Taken(InvalidRequestException? Error);

    /// <summary>Reads a stream's body before the rate limiter, which counts resumes apart. The endpoint reports errors
    /// of the body.</summary>
    public static Task TakeThenAsync(HttpContext context, RequestDelegate next) =>
        CallerIdentity.IsSignedIn(context.User) && IsTaken(context) ? TakenThenAsync(context, next) : next(context);

    /// <summary>Copies the body's members into the query, once. Lists are appended to the query's values, and other
    /// members replace them.</summary>
    /// <exception cref="InvalidRequestException">The body is not a JSON object, or has a member that a query cannot
    /// hold or the endpoint does not know.</exception>
    public static async Task TakeBodyAsync(this HttpContext context)
    {
        if (IsTaken(context) && (context.Features.Get<Taken>() ?? await TakeAsync(context)).Error is { } error)
            throw error;
    }

    public static bool AcceptsBody(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<StreamBody>() is not null;

    /// <summary>Returns true if the body is read. The body of a GET has no meaning (RFC 9110 §9.3.1).</summary>
    private static bool IsTaken(HttpContext context) =>
        !HttpMethods.IsGet(context.Request.Method) && JsonBody.IsThere(context) && AcceptsBody(context);

    private static async Task TakenThenAsync(HttpContext context, RequestDelegate next)
    {
        await TakeAsync(context);
        await next(context);
    }

    private static async Task<Taken> TakeAsync(HttpContext context)
    {
        var metadata = context.GetEndpoint()!.Metadata;
        var maxListValues = metadata.GetRequiredMetadata<StreamBody>().MaxListValues;

        Taken taken;
        try
        {
            var body = await JsonBody.ReadAsync(context, MaxValues + maxListValues);
            KnownNames.CheckBody(metadata, [.. body.EnumerateObject().Select(member => member.Name)]);
            // A null filter was meant to have a value. Without it, the client would get everything.
            foreach (var filter in metadata.OfType<RequestParameter>())
                if (IsNull(body, filter.Name) || (filter.Also is { } also && IsNull(body, also)))
                    throw InvalidRequestException.Empty(filter.Name);
            context.Request.Query = Merged(context.Request.Query, body, KnownNames.ParametersOf(metadata));
            taken = new Taken(null);
        }
        catch (InvalidRequestException e)
        {
            taken = new Taken(e);
        }

        // The body is no longer in memory, and the stream may last for hours.
        context.Features.Get<ByteHold>()?.Dispose();
        context.Features.Set(taken);
        return taken;
    }

    private static bool IsNull(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Null;

    private static QueryCollection Merged(
        IQueryCollection query,
        JsonElement body,
        IReadOnlyList<RequestParameter> parameters
    )
    {
        var texts = NamesOf(p => p.IsText);
        var lists = NamesOf(p => p.Also is not null);
        var merged = query.ToDictionary(q => q.Key, q => q.Value, StringComparer.OrdinalIgnoreCase);

        foreach (var member in body.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null)
                continue;

            var isText = texts.Contains(member.Name);
            var isList = member.Value.ValueKind == JsonValueKind.Array;
            var values = isList
                ? new StringValues([.. member.Value.EnumerateArray().Select(v => Scalar(member.Name, v, isText))])
                : new StringValues(Scalar(member.Name, member.Value, isText));

            if (values.Count == 0)
                throw InvalidRequestException.Empty(member.Name);

            merged[member.Name] = lists.Contains(member.Name)
                ? StringValues.Concat(merged.GetValueOrDefault(member.Name), values)
                : values;
        }

        return new QueryCollection(merged);

        HashSet<string> NamesOf(Func<RequestParameter, bool> which) =>
            parameters
                .Where(which)
                .SelectMany(p => (string[])[p.Name, p.Also ?? p.Name])
                .ToHashSet(StringComparer.OrdinalIgnoreCase);
    }

    private static string Scalar(string name, JsonElement value, bool isText)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => value.GetString()!,
                _ when isText => throw new InvalidRequestException(name, "must be text."),
                JsonValueKind.Number => value.GetRawText(),
                JsonValueKind.True => "true",
                JsonValueKind.False => "false",
                _ => throw new InvalidRequestException(
                    name,
                    "must be text, a number, true, false, or a list of those."
                ),
            };
        }
        catch (InvalidOperationException)
        {
            throw new InvalidRequestException(name, "has an unpaired surrogate, which UTF-8 cannot encode.");
        }
    }
}
