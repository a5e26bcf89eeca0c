using Microsoft.AspNetCore.Http.Features;

namespace LlmGateway.Requests;

/// <summary>Reads names that clients give in a path.</summary>
internal static class PathName
{
    /// <summary>Decodes a name once, which the server does but for <c>%2F</c>: in a route value that is an escaped
    /// slash, or <c>%252F</c>.</summary>
    /// <param name="context">The request, whose path as it was sent tells them apart.</param>
    /// <param name="value">The route value.</param>
    /// <param name="fromEnd">Its place among the path's segments: 1 is the last.</param>
    public static string Of(HttpContext context, string value, int fromEnd)
    {
        var name = WithSlashes(value);
        if (name == value)
            return value;

        var sent = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?')[0];
        var segments = sent.TrimEnd('/').Split('/');
        var decoded = segments.Length < fromEnd ? name : Uri.UnescapeDataString(segments[^fromEnd]);

        // Another path, which the application has rewritten, tells nothing of the name.
        return WithSlashes(decoded) == name ? decoded : name;
    }

    private static string WithSlashes(string text) => text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
}
