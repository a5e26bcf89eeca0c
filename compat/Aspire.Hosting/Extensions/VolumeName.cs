// Part of the stand-in for Aspire.Hosting: names of data volumes. Not affiliated with Microsoft.
using System.Security.Cryptography;
using System.Text;

namespace Aspire.Hosting;

internal static class VolumeName
{
    /// <summary>Returns a name as Aspire's own, with a hash of the AppHost's path: clones and other
    /// projects of the machine have volumes of their own.</summary>
    public static string Of<T>(IResourceBuilder<T> resource)
        where T : IResource
    {
        var builder = resource.ApplicationBuilder;
        var path = SHA256.HashData(Encoding.UTF8.GetBytes(builder.AppHostDirectory));
        var application = builder.Environment.ApplicationName.ToLowerInvariant();
        return $"{application}-{Convert.ToHexStringLower(path)[..10]}-{resource.Resource.Name}-data";
    }
}
