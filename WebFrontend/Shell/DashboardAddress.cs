namespace WebFrontend.Shell;

/// <summary>Where browsers reach the Aspire dashboard (<c>Dashboard:Url</c>), for links to traces; null where there is
/// none.</summary>
internal sealed record DashboardAddress(string? Origin)
{
    public static DashboardAddress From(IConfiguration configuration) =>
        new(
            Uri.TryCreate(configuration["Dashboard:Url"], UriKind.Absolute, out var uri)
            && uri.Scheme is "http" or "https"
                ? uri.GetLeftPart(UriPartial.Authority)
                : null
        );
}
