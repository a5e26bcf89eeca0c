namespace LocalServices;

/// <summary>Keeps requests to this machine from the proxy of <c>HTTP_PROXY</c> and <c>HTTPS_PROXY</c>, which .NET uses
/// for loopback too (dotnet/runtime#31680).</summary>
internal static class LoopbackProxy
{
    private static readonly string[] Variables = ["no_proxy", "NO_PROXY"];
    private static readonly string[] Hosts = ["localhost", "127.0.0.1", "[::1]"];

    /// <summary>Adds loopback to <c>NO_PROXY</c> for this process and those that it starts. Call it before the first
    /// request, because .NET reads the variable once.</summary>
    public static void Bypass()
    {
        // .NET reads the first of the two; other programs may know only one.
        var extended = Extended(
            Variables.Select(Environment.GetEnvironmentVariable).FirstOrDefault(text => !string.IsNullOrEmpty(text))
        );
        foreach (var variable in Variables)
            Environment.SetEnvironmentVariable(variable, extended);
    }

    /// <summary>Returns the list with loopback. An asterisk stands for every host, but only if it is the whole
    /// list.</summary>
    internal static string Extended(string? list)
    {
        if (list?.Trim() is "*")
            return "*";

        var given = (list ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return string.Join(',', given.Union(Hosts, StringComparer.OrdinalIgnoreCase));
    }
}
