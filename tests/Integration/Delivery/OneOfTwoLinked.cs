namespace Integration.Delivery;

/// <summary>A shared system whose first replica uses the links to the stores; the second replica and the Broadcaster
/// do not.</summary>
public abstract class OneOfTwoLinked : SharedWorld
{
    protected override int Broadcasters => 0;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        var direct = System.DirectSettings;
        // They must work while the linked replica does not, also on a busy machine.
        direct["AspireSse__EventStore__CommandTimeoutSeconds"] = "15";
        direct["AspireSse__Relay__LeaseMilliseconds"] = "60000";

        await System.StartReplicaAsync(direct);
        await System.StartBroadcasterAsync(direct);
    }
}
