namespace WebFrontend.Shell;

/// <summary>The origin of the Aspire dashboard (<c>Dashboard:Url</c>) for links to traces, or null without
/// one.</summary>
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
