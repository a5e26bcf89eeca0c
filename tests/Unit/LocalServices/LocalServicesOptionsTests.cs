using LocalServices;
using Microsoft.Extensions.Configuration;

namespace Unit.LocalServices;

public sealed class LocalServicesOptionsTests
{
    /// <summary>An ephemeral stack takes free ports, so that it runs beside another one.</summary>
    [Theory]
    [InlineData("", false, LocalServicesOptions.UsualPostgresPort, LocalServicesOptions.UsualRedisPort)]
    [InlineData("--ephemeral", true, 0, 0)]
    [InlineData("--ephemeral --LocalServices:PostgresPort=7000", true, 7000, 0)]
    public void Data_is_kept_and_ports_are_fixed_except_for_an_ephemeral_stack(
        string arguments,
        bool isEphemeral,
        int postgres,
        int redis
    ) =>
        Assert.Equal(
            new LocalServicesOptions(LocalServicesMode.Auto, isEphemeral, postgres, redis),
            From(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        );

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
