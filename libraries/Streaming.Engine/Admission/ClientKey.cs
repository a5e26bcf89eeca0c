using System.Net;
using System.Net.Sockets;

namespace AspireSse.Server;

/// <summary>The identity of a client by which every limit on costs counts.</summary>
/// <remarks>Needed by an application's own <c>IStreamAccess</c>, which returns it.</remarks>
/// <param name="Person">The name that gets a fair share: of a user, of one of many persons that a user serves, or of an
/// anonymous address.</param>
/// <param name="Account">The name that maximums apply to, of the user or address that the person belongs to.</param>
/// <exception cref="ArgumentNullException">A name is null. The names of <c>default</c> are empty.</exception>
public readonly record struct ClientKey(string Person, string Account)
{
    /// <summary>The name that gets a fair share: of a user, of one of many persons that a user serves, or of an
    /// anonymous address.</summary>
    public string Person
    {
        get => field ?? "";
        init => field = value ?? throw Missing(nameof(Person));
    } = Person ?? throw Missing(nameof(Person));

    /// <summary>The name that maximums apply to, of the user or address that the person belongs to.</summary>
    public string Account
    {
        get => field ?? "";
        init => field = value ?? throw Missing(nameof(Account));
    } = Account ?? throw Missing(nameof(Account));

    /// <summary>Returns the key of a user's name.</summary>
    public static ClientKey OfUser(string user)
    {
        var key = "user " + user;
        return new ClientKey(key, key);
    }

    /// <summary>Returns the key of one person within the account of a user that serves many persons.</summary>
    public static ClientKey OfPerson(string user, Guid person)
    {
        var account = OfUser(user).Account;
        return new ClientKey($"person {person:N} {user}", account);
    }

    /// <summary>Returns the key of an address, or of its network (<see cref="NetworkOf"/>). All clients without an
    /// address share one key.</summary>
    public static ClientKey OfAddress(IPAddress? address)
    {
        if (address is null)
            return new ClientKey("", "");

        var network = NetworkOf(address);
        var key = network.AddressFamily == AddressFamily.InterNetworkV6 ? network + "/64" : network.ToString();
        return new ClientKey(key, key);
    }

    /// <summary>Returns an IPv4 address itself, and the /64 network of an IPv6 address, because one client usually has
    /// a whole network.</summary>
    public static IPAddress NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();

        return new IPAddress(bytes);
    }

    /// <summary>Returns the person.</summary>
    public static implicit operator string(ClientKey key) => key.Person;

    /// <inheritdoc/>
    public override string ToString() => Person;

    /// <summary>Creates the error for a null name: limits look a client up by its name.</summary>
    private static ArgumentNullException Missing(string name) =>
        new(
            name,
            $"A client's {name.ToLowerInvariant()} is null, so nothing can be counted for it. Give a caller without "
                + "one a name: its person's, or an empty one, which all such callers share."
        );
}
