using EventStore;
using Microsoft.Extensions.Options;

namespace Unit.EventStore;

public sealed class AnnotatedOptionsTests
{
    [Fact]
    public void Options_are_refused_as_by_the_framework()
    {
        Assert.Equal(
            4,
            Refusals(
                new EventStoreOptions
                {
                    Channel = "",
                    MaxAge = default,
                    MaxBytes = 1,
                    WorkConnections = 101,
                }
            )
        );
        Assert.Equal(2, Refusals(new SseOptions { MaxConnections = 0, MaxConnectionsPerClient = -1 }));
        Assert.Equal(1, Refusals(new LeaderOptions { LeaseMilliseconds = 499 }));
        Assert.Equal(0, Refusals(new SseOptions()));
    }

    private static int Refusals<TOptions>(TOptions options)
        where TOptions : class
    {
        var expected = new DataAnnotationValidateOptions<TOptions>("").Validate("", options).Failures ?? [];
        var refusals = new AnnotatedOptions<TOptions>().Validate("", options).Failures ?? [];

        Assert.Equal(expected.Order(), refusals.Order());
        return refusals.Count();
    }
}
