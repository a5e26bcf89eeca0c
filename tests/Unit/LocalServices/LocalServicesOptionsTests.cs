using LocalServices;
using LocalServices.Postgres;
using LocalServices.Redis;
using Microsoft.Extensions.Configuration;

namespace Unit.LocalServices;

public sealed class LocalServicesOptionsTests
{
    [Fact]
    public void By_default_data_is_kept_and_the_ports_are_fixed() =>
        Assert.Equal(
            new LocalServicesOptions(
                LocalServicesMode.Auto,
                Ephemeral: false,
                PostgresCluster.DefaultPort,
                LocalRedis.DefaultPort
            ),
            From()
        );

    [Fact]
    public void Ephemeral_takes_free_ports_so_that_it_runs_beside_another_stack() =>
        Assert.Equal(new LocalServicesOptions(LocalServicesMode.Auto, Ephemeral: true, 0, 0), From("--ephemeral"));

    [Fact]
    public void A_port_that_is_given_is_taken_by_an_ephemeral_stack_too() =>
        Assert.Equal(7000, From("--ephemeral", "--LocalServices:PostgresPort=7000").PostgresPort);

    [Theory]
    [InlineData("Mode", "dockers")]
    [InlineData("Mode", "7")]
    [InlineData("PostgresPort", "65536")]
    [InlineData("RedisPort", "-1")]
    [InlineData("Ephemeral", "yes")]
    public void A_bad_value_is_refused_by_its_name(string name, string value)
    {
        var refused = Assert.Throws<LocalServicesException>(() => From($"--LocalServices:{name}={value}"));
        Assert.Contains($"LocalServices:{name} is '{value}'", refused.Message, StringComparison.Ordinal);
    }

    private static LocalServicesOptions From(params string[] args) =>
        LocalServicesOptions.From(new ConfigurationBuilder().AddCommandLine(LocalServicesOptions.Expand(args)).Build());
}
