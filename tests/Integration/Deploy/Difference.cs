using System.Text.RegularExpressions;

namespace Integration.Deploy;

/// <summary>A difference between the AppHost and a deployment that is meant.</summary>
/// <param name="Deployments">Expression for the names of the deployments.</param>
/// <param name="Services">Expression for the names of the services.</param>
/// <param name="Facts">Expression for what only one side has: <c>port 5080</c>, <c>variable HOME</c>.</param>
/// <param name="Reason">The reason.</param>
internal sealed record Difference(string Deployments, string Services, string Facts, string Reason)
{
    public bool Covers(string deployment, string service, string fact) =>
        IsMatch(deployment, Deployments) && IsMatch(service, Services) && IsMatch(fact, Facts);

    private static bool IsMatch(string text, string expression) => Regex.IsMatch(text, $"^(?:{expression})$");
}
