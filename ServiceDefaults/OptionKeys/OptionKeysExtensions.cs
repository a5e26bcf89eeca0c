using Microsoft.Extensions.Options;
using ServiceDefaults.OptionKeys;
using ServiceDefaults.Prometheus;

namespace Microsoft.Extensions.Hosting;

public static class OptionKeysExtensions
{
    /// <summary>Stops the start at an unknown key of a section that the service reads: a misspelt limit would silently
    /// become its default. Call it before the host is built, which reads options.</summary>
    /// <param name="sections">What the service reads, beside the settings of the service defaults.</param>
    /// <exception cref="OptionsValidationException">Some keys are no options.</exception>
    public static void CheckOptionKeys(this IHostApplicationBuilder builder, IEnumerable<OptionSection> sections)
    {
        var read = sections.Append(new OptionSection(PrometheusUrl.Setting, typeof(string)));
        var unknown = new KnownKeys(read.SelectMany(section => section.Keys())).Unknown(builder.Configuration).ToList();
        if (unknown.Count > 0)
            throw new OptionsValidationException("", typeof(OptionSection), unknown);
    }
}
