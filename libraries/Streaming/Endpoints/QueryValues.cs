using System.Globalization;
using Streaming.Requests;

namespace Streaming.Endpoints;

internal static class QueryValues
{
    /// <summary>Returns null if the value is missing or empty.</summary>
    public static string? Text(this IQueryCollection query, string name, int maxLength)
    {
        var values = query[name];
        if (values.Count > 1)
            throw new InvalidRequestException(name, "is given more than once.");
        return values.ToString() is { Length: > 0 } text ? JsonBody.Checked(name, text, maxLength) : null;
    }

    public static string RequiredText(this IQueryCollection query, string name, int maxLength) =>
        query.Text(name, maxLength) ?? throw new InvalidRequestException(name, "is required.");

    /// <summary>Returns what narrows a list; null if it is missing.</summary>
    /// <exception cref="InvalidRequestException">It is empty, which is probably an unset variable, and no wish for
    /// everything.</exception>
    public static string? Filter(this IQueryCollection query, string name, int maxLength) =>
        query.Text(name, maxLength)
        ?? (query.ContainsKey(name) ? throw InvalidRequestException.Empty(name) : (string?)null);

    /// <summary>Returns the values of a filter, by either of its names.</summary>
    /// <exception cref="InvalidRequestException">One is empty.</exception>
    public static string[] Filters(this IQueryCollection query, string name, string also)
    {
        string[] values = [.. query[name].Concat(query[also]).Select(value => value ?? "")];
        return values.Contains("") ? throw InvalidRequestException.Empty(name) : values;
    }

    public static bool? Flag(this IQueryCollection query, string name) =>
        query[name].ToString() switch
        {
            "" => null,
            "true" => true,
            "false" => false,
            _ => throw new InvalidRequestException(name, "must be true or false."),
        };

    /// <summary>Returns the <c>limit</c> of a page; one beyond the most is the most.</summary>
    public static int PageLimit(this IQueryCollection query, int usual, int most)
    {
        if (query["limit"].ToString() is not { Length: > 0 } text)
            return usual;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) || limit == 0)
            throw new InvalidRequestException("limit", "must be a positive integer.");

        return Math.Min(limit, most);
    }
}
