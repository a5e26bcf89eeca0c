using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace StreamApi.Security;

/// <summary>Trusts <c>X-Forwarded-For</c>, <c>-Proto</c> and <c>-Prefix</c> of the configured proxies only.</summary>
internal sealed class TrustedProxies(IOptions<SecurityOptions> security) : IConfigureOptions<ForwardedHeadersOptions>
{
    public void Configure(ForwardedHeadersOptions options)
    {
        options.ForwardedHeaders =
            ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedPrefix;
        options.ForwardLimit = null; // any number of trusted proxies
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();

        foreach (var network in security.Value.ProxyNetworks)
            options.KnownIPNetworks.Add(network);
    }
}
