using Microsoft.AspNetCore.Http.Features;

namespace LlmGateway.Requests;

/// <summary>Reads names that clients give in a path.</summary>
internal static class PathName
{
    /// <summary>Decodes a name exactly once. The server decodes all but <c>%2F</c>, so a <c>%2F</c> in a route value
    /// was sent as an escaped slash, or as <c>%252F</c>.</summary>
    /// <param name="context">The request. Its path as it was sent tells the two apart.</param>
    /// <param name="value">The route value.</param>
    /// <param name="fromEnd">Place of the name among the path's segments: 1 is the last.</param>
    public static string Of(HttpContext context, string value, int fromEnd)
    {
        var name = WithSlashes(value);
        if (name == value)
            return value;

        var sent = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?')[0];
        var segments = sent.TrimEnd('/').Split('/');
        var decoded = segments.Length < fromEnd ? name : Uri.UnescapeDataString(segments[^fromEnd]);

        // If the application has rewritten the path, the path that was sent says nothing about the name.
        return WithSlashes(decoded) == name ? decoded : name;
    }

    private static string WithSlashes(string text) => text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
}
