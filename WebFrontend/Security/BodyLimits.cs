namespace WebFrontend.Security;

/// <summary>
/// Limits request bodies. Antiforgery reads a whole form before it looks for a token, so anyone can make this server
/// hold as much as a body may have.
/// </summary>
internal static class BodyLimits
{
    /// <summary>Maximum size in bytes: the longest credential with its token, or a load test's settings.</summary>
    private const int MaxBytes = 16 * 1024;

    public static void AddBodyLimits(this WebApplicationBuilder builder) =>
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = MaxBytes);
}
