namespace AppHost;

/// <summary>Writes files for a deployment instead of starting the system:
/// <c>dotnet run --project AppHost -- --operation publish --step publish --output-path out</c>.</summary>
internal static partial class Publishing
{
    /// <summary>Adds Aspire's publishers. With the projects of <c>compat/</c> it does nothing, because they have
    /// none.</summary>
    public static void AddPublishers(this IDistributedApplicationBuilder builder) => Add(builder);

    /// <summary>Implemented in <c>Publishing/</c>, which is compiled with Aspire's packages only.</summary>
    static partial void Add(IDistributedApplicationBuilder builder);
}
