using LocalServices.Postgres;

namespace Unit.LocalServices;

public sealed class PostgresProgramsTests
{
    private static readonly PostgresPrograms[] Installed =
    [
        new("/a", 13, null),
        new("/b", 15, null),
        new("/c", 17, null),
    ];

    [Theory]
    [InlineData("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15)]
    [InlineData("postgres (PostgreSQL) 18beta1", 18)]
    [InlineData("postgres: error while loading shared libraries: libicu72.so", null)]
    public void The_major_version_is_what_the_server_says(string printed, int? major) =>
        Assert.Equal(major, PostgresPrograms.ParseMajor(printed));

    [Theory]
    [InlineData(null, "/c")] // the newest
    [InlineData(15, "/b")] // the version that wrote the data
    [InlineData(16, null)] // which is not there
    public void Data_is_opened_by_the_version_that_wrote_it(int? major, string? folder) =>
        Assert.Equal(folder, PostgresPrograms.Choose(Installed, major)?.Folder);

    [Fact]
    public void A_version_too_old_for_the_event_store_is_no_choice() =>
        Assert.Null(PostgresPrograms.Choose(Installed[..1], major: null));
}
