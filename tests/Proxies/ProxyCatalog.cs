namespace Proxies;

/// <summary>The proxies that are measured.</summary>
internal static class ProxyCatalog
{
    public static IReadOnlyList<ProxyProgram> All { get; } =
    [
        new("nginx", "nginx", "usr/sbin/nginx", "-v", ["-e", "stderr", "-p", "@folder@", "-c", "@file@"])
        {
            HasOwnHttp2Port = true,
        },
        new("HAProxy", "haproxy", "usr/sbin/haproxy", "-v", ["-f", "@file@"]) { HasOwnHttp2Port = true },
        new("Apache", "apache2-bin", "usr/sbin/apache2", "-v", ["-DFOREGROUND", "-f", "@file@"])
        {
            HasOwnHttp2Port = true,
        },
        new("Caddy", "caddy", "usr/bin/caddy", "version", ["run", "--adapter", "caddyfile", "--config", "@file@"])
        {
            HasOwnHttp2Port = true,
            NeedsHome = true,
        },
        new(
            "Varnish",
            "varnish",
            "usr/sbin/varnishd",
            "-V",
            // Its own user cannot read the folders of this run.
            [
                .. (string[])["-F", "-j", "none", "-n", "@folder@", "-f", "@file@", "-a", "127.0.0.1:@port@"],
                .. (string[])["-s", "malloc,32m", "-p", "feature=+http2"],
            ]
        )
        {
            HasOwnHttp2Port = false,
            TotalAge = "600 s (`send_timeout`)",
            MendedAge = "none in 1100 s",
        },
        new(
            "Traffic Server",
            "trafficserver",
            "usr/bin/traffic_server",
            "--version",
            ["--run-root=@folder@/runroot.yaml"]
        )
        {
            TotalAge = "901 s (`transaction_active_timeout_in`)",
            MendedAge = "none in 1100 s",
        },
        new("Squid", "squid", "usr/sbin/squid", "-v", ["-N", "-n", "proxy@port@", "-f", "@file@"])
        {
            Others = ["squid-common", "squid-langpack"],
        },
        new(
            "lighttpd",
            "lighttpd",
            "usr/sbin/lighttpd",
            "-v",
            ["-D", "-m", "@package@/usr/lib/lighttpd", "-f", "@file@"]
        )
        {
            Others = ["lighttpd-mod-deflate"],
            HasOwnHttp2Port = false,
        },
        new("h2o", "h2o", "usr/bin/h2o", "-v", ["-c", "@file@"]) { HasOwnHttp2Port = false },
        new("nghttpx", "nghttp2-proxy", "usr/sbin/nghttpx", "-v", ["--conf=@file@"]) { HasOwnHttp2Port = false },
    ];
}
