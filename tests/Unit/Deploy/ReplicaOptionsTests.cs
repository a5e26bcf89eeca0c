using System.ComponentModel.DataAnnotations;
using StreamApi.Replicas;

namespace Unit.Deploy;

public sealed class ReplicaOptionsTests
{
    [Theory]
    [InlineData(2, 8, true)]
    [InlineData(4, 8, true)]
    [InlineData(5, 8, false)]
    [InlineData(2, 2, false)]
    public void A_replica_must_be_listed_until_its_next_announcement(int announce, int forget, bool isValid)
    {
        var options = new ReplicaOptions { AnnounceSeconds = announce, ForgetSeconds = forget };
        Assert.Equal(isValid, Validator.TryValidateObject(options, new(options), [], validateAllProperties: true));
    }
}
