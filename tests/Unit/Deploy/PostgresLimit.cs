using System.Globalization;
using System.Text.RegularExpressions;
using Unit.EventStore;

namespace Unit.Deploy;

/// <summary>Postgres accepts every connection that the services of a deployment may open.</summary>
internal static partial class PostgresLimit
{
    /// <summary>Postgres keeps three for superusers; an operator, a dump and the migrations need some.</summary>
    private const int Others = 10;

    /// <summary>Returns a problem if the services may need more connections than Postgres accepts.</summary>
    /// <param name="processes">Replicas of StreamApi and of the Broadcaster.</param>
    /// <param name="text">A text with <c>max_connections=…</c>.</param>
    public static IEnumerable<string> TooLow(int processes, string text)
    {
        Assert.True(processes >= 4, $"{processes}");
        var limit = int.Parse(Setting().Match(text).Groups[1].Value, CultureInfo.InvariantCulture);
        var most = (processes * StorePoolTests.MostConnections()) + Others;
        return limit >= most ? [] : [$"max_connections is {limit}, but {most} may be needed"];
    }

    [GeneratedRegex(@"max_connections=(\d+)")]
    private static partial Regex Setting();
}
