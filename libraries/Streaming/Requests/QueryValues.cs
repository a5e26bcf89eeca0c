using System.Globalization;

namespace AspireSse.Server;

/// <summary>Reads the parameters of a query. An invalid value is an <see cref="InvalidRequestException"/> that names
/// its parameter, and never counts as a missing one.</summary>
/// <remarks>Needed by an endpoint that reads its query and names the wrong parameter in each error.</remarks>
public static class QueryValues
{
    /// <summary>Returns a text of at most this length, or null if it is missing or empty.</summary>
    /// <exception cref="InvalidRequestException">It is given twice, too long, or has a NUL.</exception>
    public static string? Text(this IQueryCollection query, string name, int maxLength)
    {
        var values = query[name];
        if (values.Count > 1)
            throw new InvalidRequestException(name, "is given more than once.");
        return values.ToString() is { Length: > 0 } text ? JsonBody.Checked(name, text, maxLength) : null;
    }

    /// <summary>Returns a text of at most this length.</summary>
    /// <exception cref="InvalidRequestException">It is missing or empty, too long, or has a NUL.</exception>
    public static string RequiredText(this IQueryCollection query, string name, int maxLength) =>
        query.Text(name, maxLength) ?? throw new InvalidRequestException(name, "is required.");

    /// <summary>Returns the value of a parameter that narrows a list, or null if the parameter is missing.</summary>
    /// <exception cref="InvalidRequestException">It is empty, which is probably an unset variable, and not a request
    /// for everything.</exception>
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

    /// <summary>Returns <c>true</c> or <c>false</c>, or null if it is missing.</summary>
    /// <exception cref="InvalidRequestException">It is another value, or has none.</exception>
    public static bool? Flag(this IQueryCollection query, string name) =>
        query[name].ToString() switch
        {
            "" when !query.ContainsKey(name) => null,
            "true" => true,
            "false" => false,
            _ => throw new InvalidRequestException(name, "must be true or false."),
        };

    /// <summary>Returns the <c>limit</c> of a page. A limit above the maximum, of any number of digits, counts as the
    /// maximum.</summary>
    /// <exception cref="InvalidRequestException">It has another character than the digits 0 to 9, or is
    /// zero.</exception>
    public static int PageLimit(this IQueryCollection query, int usual, int most)
    {
        if (query["limit"].ToString() is not { Length: > 0 } text)
            return usual;
        if (text.AsSpan().ContainsAnyExceptInRange('0', '9') || !text.AsSpan().ContainsAnyExcept('0'))
            throw new InvalidRequestException("limit", "must be a positive integer.");

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
            ? Math.Min(limit, most)
            : most;
    }
}
