using System.Globalization;
using System.Text;

namespace Reliability.Abuse;

/// <summary>Conversations of an agent.</summary>
internal static class Sessions
{
    /// <summary>Bytes of a message that is nearly as long as the limits allow, and of a short one.</summary>
    public const int LongMessage = 250_000,
        ShortMessage = 100;

    private const int Messages = 8;

    /// <summary>Begins a session for each user and fills it with messages.</summary>
    /// <returns>Each session's id and its user's token.</returns>
    public static async Task<IReadOnlyList<(string Id, string Token)>> FillAsync(
        AbuseTarget target,
        int users,
        int messageBytes
    )
    {
        var sessions = new (string Id, string Token)[users];
        var message = Encoding.ASCII.GetBytes($"{{\"content\":\"{new string('x', messageBytes)}\"}}");
        await Attack.OnThreads(
            users,
            user =>
            {
                using var connection = new RawConnection(target.Next());
                var token = Token(user);
                var id = connection.PostFor("session_id", "/session", token, "{}"u8);
                sessions[user] = (id, token);
                using var sending = new RawConnection(target.Next());
                for (var i = 0; i < Messages; i++)
                    sending.Post($"/message/{id}", token, "application/json", message);
            }
        );
        return sessions;
    }

    private static string Token(int user) =>
        SystemSettings.User(
            string.Create(CultureInfo.InvariantCulture, $"sessions-{user}"),
            ["sessions.>", "agents.>"],
            ["sessions.>", "agents.>"]
        );
}
