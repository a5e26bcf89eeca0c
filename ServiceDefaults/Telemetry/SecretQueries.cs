namespace ServiceDefaults.Telemetry;

/// <summary>Redacts secrets and prompts in queries by OpenTelemetry's convention for
/// <c>url.query</c>: the name stays, the value becomes <c>REDACTED</c>.</summary>
internal static class SecretQueries
{
    private static readonly string[] Secrets = ["ticket", "access_token", "token", "api_key", "prompt"];

    public static string Redacted(string query) =>
        // An escaped name (%74icket) is a name too.
        !query.Contains('%') && !Secrets.Any(s => query.Contains(s, StringComparison.OrdinalIgnoreCase))
            ? query
            : string.Join(
                '&',
                query
                    .Split('&')
                    .Select(pair =>
                        pair.IndexOf('=') is >= 0 and var equals
                        && Secrets.Contains(
                            Uri.UnescapeDataString(pair[..equals].TrimStart('?')),
                            StringComparer.OrdinalIgnoreCase
                        )
                            ? pair[..(equals + 1)] + "REDACTED"
                            : pair
                    )
            );
}
