using System.ComponentModel.DataAnnotations;
using Streaming.Admission;

namespace AspireSse.Server;

/// <summary>Limits on what requests other than streams may cost this process; <c>services.Configure</c> sets them. By
/// default nothing has to wait, and only memory is bounded.</summary>
/// <remarks>Needed by a host that limits what requests may cost it, as StreamApi does.</remarks>
public sealed class AdmissionOptions
{
    /// <summary>The default of <see cref="SparePercent"/>, which leaves four fifths to work within the rates.</summary>
    public const int DefaultSparePercent = 20;

    /// <summary>This rate and higher ones mean unlimited.</summary>
    private const int MaxRate = 1_000_000;

    /// <summary>Percent of the processors that reads of the store may use while the processors are busy, or null for
    /// all.</summary>
    [Range(1, MaxRate)]
    public int? ReadPercent { get; set; }

    /// <summary>Percent of the processors that work beyond a client's rate may use while they are busy, or 0 if no work
    /// may exceed its client's rate.</summary>
    [Range(0, 100)]
    public int SparePercent { get; set; } = DefaultSparePercent;

    /// <summary>Returns true while an open stream would feel work beyond a rate. Otherwise such work runs at full
    /// speed.</summary>
    internal Func<bool> HasReaders { get; set; } = () => true;

    /// <summary>Kilobytes that one client may send per second before it waits for turns, or null for any
    /// number.</summary>
    [Range(1, MaxRate)]
    public int? KilobytesPerSecond { get; set; }

    /// <summary>Bytes of request bodies and answers that all clients together usually hold at most. The absolute
    /// maximum is twice as much.</summary>
    [Range(ByteLedger.SmallBytes, 1L << 50)]
    public long HeldBytes { get; set; } = 128L * 1024 * 1024;

    /// <summary>Maximum connections that the libraries' features open to other services. Each needs a
    /// descriptor.</summary>
    public int OutgoingConnections { get; internal set; }
}
