namespace WebFrontend.Languages;

/// <summary>
/// Selects a request's language: <c>?lang=</c> (stored in a cookie), else that cookie, else <c>Accept-Language</c>,
/// else
/// English.
/// </summary>
internal static class LanguageExtensions
{
    private const string Name = "lang";

    public static void AddLanguages(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddScoped(s => Of(s.GetRequiredService<IHttpContextAccessor>().HttpContext!));
    }

    private static Language Of(HttpContext context)
    {
        if (Find(context.Request.Query[Name]) is { } chosen)
        {
            context.Response.Cookies.Append(
                Name,
                chosen.Code,
                new CookieOptions
                {
                    SameSite = SameSiteMode.Lax,
                    HttpOnly = true,
                    Secure = context.Request.IsHttps,
                    MaxAge = TimeSpan.FromDays(365),
                    IsEssential = true,
                }
            );
            return chosen;
        }

        context.Response.Headers.Vary = "Accept-Language, Cookie";
        return Find(context.Request.Cookies[Name])
            ?? context
                .Request.GetTypedHeaders()
                .AcceptLanguage.OrderByDescending(l => l.Quality ?? 1)
                .Select(l => Find(l.Value.Value?.Split('-')[0]))
                .FirstOrDefault(l => l is not null)
            ?? Language.English;
    }

    private static Language? Find(string? code) =>
        Language.All.FirstOrDefault(l => string.Equals(l.Code, code, StringComparison.OrdinalIgnoreCase));
}
