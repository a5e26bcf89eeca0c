using System.Text;

namespace Unit.Redis;

/// <summary>Texts on the channel of the tests.</summary>
internal static class LogMessages
{
    public static Task<bool> PublishAsync(RedisLink link, string message, TimeSpan timeout) =>
        link.PublishAsync("log", Encoding.UTF8.GetBytes(message), timeout, TestContext.Current.CancellationToken);
}
