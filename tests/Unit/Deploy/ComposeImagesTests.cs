using Reliability.Compose;

namespace Unit.Deploy;

/// <summary>The images with which <c>tests/Reliability -- compose</c> starts the system.</summary>
public sealed class ComposeImagesTests
{
    private const string Compose = """
        services:
          postgres:
            image: ${POSTGRES_IMAGE:-docker.io/library/postgres:17}
          redis:
            image: ${REDIS_IMAGE:-docker.io/library/redis:8}
          streamapi-1:
            image: aspire-sse/streamapi:${SSE_TAG:-latest}
        """;

    [Fact]
    public void The_operators_settings_name_the_images_and_the_environment_comes_before_them()
    {
        var chosen = ComposeImages.Choose(
            ["PATH=/usr/bin", "REDIS_IMAGE=mine/redis:7"],
            [
                "SSE_TAG=0.1.0",
                "REDIS_IMAGE=base/redis:7",
                "POSTGRES_IMAGE=base/postgres:14",
                "POSTGRES_IMAGE=base/postgres:15",
            ]
        );
        Assert.Equal(
            ["base/postgres:15", "mine/redis:7", "aspire-sse/streamapi:latest"],
            ComposeImages.Of(Compose, chosen)
        );
    }

    [Fact]
    public void Without_settings_they_are_those_of_the_compose_file() =>
        Assert.Equal(
            ["docker.io/library/postgres:17", "docker.io/library/redis:8", "aspire-sse/streamapi:latest"],
            ComposeImages.Of(Compose, ComposeImages.Choose([], []))
        );
}
