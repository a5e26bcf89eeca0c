using LocalServices;

namespace Unit.LocalServices;

public sealed class DebianProgramsTests
{
    [Fact]
    public void A_plan_is_the_programs_asked_for_and_the_libraries_they_lack()
    {
        const string Plan = """
            Need to get 19.4 MB of archives.
            'http://mirror/postgresql-common_248%2bdeb12u2_all.deb' postgresql-common_248+deb12u2_all.deb 179624 SHA256:
            'http://mirror/pool/libpq-dev_15.20_amd64.deb' libpq-dev_15.20_amd64.deb 156556 SHA256:00
            'http://mirror/pool/libjson-perl_4.1_all.deb' libjson-perl_4.1_all.deb 90000 SHA256:00
            'http://mirror/pool/libllvm14_1%3a14.0.6-12_amd64.deb' libllvm14_1%3a14.0.6-12_amd64.deb 21800000 SHA256:00
            'http://mirror/pool/postgresql-15_15.20_amd64.deb' postgresql-15_15.20_amd64.deb 17091392
            """;
        Assert.Equal(
            [
                new("libllvm14", "libllvm14_1%3a14.0.6-12_amd64.deb", 21_800_000),
                new("postgresql-15", "postgresql-15_15.20_amd64.deb", 17_091_392),
            ],
            DebianPrograms.Files(Plan, ["postgresql-15"])
        );
    }
}
