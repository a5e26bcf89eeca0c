using LocalServices;

namespace Unit.LocalServices;

public class LoopbackPortTests
{
    /// <summary>Servers listen seconds later. Linux gives the ports from 32768 to clients, other systems those from
    /// 49152.</summary>
    [Fact]
    public void A_free_port_is_taken_once_and_is_none_that_a_client_may_get_meanwhile()
    {
        var ports = Enumerable.Range(0, 100).Select(_ => LoopbackPort.Take(0, "a test", "any")).ToList();
        Assert.All(ports, port => Assert.InRange(port, 1_024, 32_767));
        Assert.Equal(ports.Distinct(), ports);
    }
}
