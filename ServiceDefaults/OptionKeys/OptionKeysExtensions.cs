using Microsoft.Extensions.Options;
using ServiceDefaults.OptionKeys;
using ServiceDefaults.Prometheus;

namespace Microsoft.Extensions.Hosting;

/// <summary>Checks the names of a service's settings.</summary>
public static class OptionKeysExtensions
{
    /// <summary>
    /// Stops the start with a sentence if a section that the service reads has a key that no option has: a misspelt or
    /// renamed limit would silently become its default. Call it before the host is built, which reads options.
    /// </summary>
    /// <param name="builder">The service.</param>
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
