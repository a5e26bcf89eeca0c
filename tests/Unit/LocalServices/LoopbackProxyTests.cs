using LocalServices;

namespace Unit.LocalServices;

public class LoopbackProxyTests
{
    [Theory]
    [InlineData(null, "localhost,127.0.0.1,[::1]")]
    [InlineData(".corp, localhost", ".corp,localhost,127.0.0.1,[::1]")]
    [InlineData("LOCALHOST,127.0.0.1,[::1]", "LOCALHOST,127.0.0.1,[::1]")]
    [InlineData("*", "*")] // every host, and only if it stands alone
    public void Loopback_is_added_to_the_hosts_that_need_no_proxy(string? given, string extended) =>
        Assert.Equal(extended, LoopbackProxy.Extended(given));
}
