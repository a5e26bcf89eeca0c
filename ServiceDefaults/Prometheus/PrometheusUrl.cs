using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace ServiceDefaults.Prometheus;

/// <summary>An address that serves the metrics and nothing else.</summary>
internal sealed record PrometheusUrl(string Value)
{
    public const string Setting = "Telemetry:Prometheus:Url";

    /// <summary>Returns null if the setting is empty: Prometheus is off.</summary>
    /// <exception cref="InvalidOperationException">The setting is not an address with a port.</exception>
    public static PrometheusUrl? From(IConfiguration configuration)
    {
        if (configuration[Setting] is not { Length: > 0 } url)
            return null;

        try
        {
            var address = BindingAddress.Parse(url);
            if (address is { Scheme: "http", IsUnixPipe: false, PathBase: "" } && HasPort(url))
                return new(url.TrimEnd('/'));
        }
        catch (FormatException) { }

        throw new InvalidOperationException(
            $"{Setting} is '{url}'; it must be an address with a port of its own, for example http://127.0.0.1:9464 "
                + "(this machine) or http://*:9464 (a container). Everyone who can reach the port reads the metrics."
        );
    }

    /// <summary>An address without a port would mean 80, which is hardly intended.</summary>
    private static bool HasPort(string url) => char.IsAsciiDigit(url.TrimEnd('/')[^1]) && url.LastIndexOf(':') > 5;
}
