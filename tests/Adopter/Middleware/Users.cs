using System.Security.Claims;

namespace Adopter.Middleware;

internal static class Users
{
    public static ClaimsPrincipal Named(string name) =>
        new(
            new ClaimsIdentity([new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.NameIdentifier, name)], "cookie")
        );
}
