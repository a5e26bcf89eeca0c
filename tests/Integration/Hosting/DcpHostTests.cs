using Aspire.Hosting.Orchestration;

namespace Integration.Hosting;

public class DcpHostTests
{
    [Fact]
    public void The_orchestrator_starts_containers_with_the_runtime_that_was_chosen()
    {
        Assert.Equal(["--container-runtime", "podman"], DcpHost.Arguments("kubeconfig", "podman")[^2..]);
        Assert.DoesNotContain("--container-runtime", DcpHost.Arguments("kubeconfig", null));
    }
}
