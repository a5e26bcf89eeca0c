using System.ComponentModel.DataAnnotations;
using Streaming.Admission;

namespace AspireSse;

/// <summary>Bounds of what requests may cost this process, beside its streams: <c>services.Configure</c> sets them. By
/// default nothing has to wait, and only memory is bounded.</summary>
public sealed class AdmissionOptions
{
    /// <summary>The default of <see cref="SparePercent"/>: the others keep four fifths.</summary>
    public const int DefaultSparePercent = 20;

    /// <summary>This rate and higher ones mean unlimited.</summary>
    private const int MaxRate = 1_000_000;

    /// <summary>Percent of the processors that reads of the store may use while the processors are busy, or null for
    /// all.</summary>
    [Range(1, MaxRate)]
    public int? ReadPercent { get; set; }

    /// <summary>Percent of the processors that work beyond a client's rate may use while they are busy; 0: a rate binds
    /// always.</summary>
    [Range(0, 100)]
    public int SparePercent { get; set; } = DefaultSparePercent;

    /// <summary>Returns true while somebody would feel that work: an idle server does it at full speed.</summary>
    internal Func<bool> HasReaders { get; set; } = () => true;

    /// <summary>Kilobytes that one client may send per second before it waits for turns, or null for any
    /// number.</summary>
    [Range(1, MaxRate)]
    public int? KilobytesPerSecond { get; set; }

    /// <summary>Bytes of request bodies and answers that all clients together should hold; at most twice as
    /// much.</summary>
    [Range(ByteLedger.SmallBytes, 1L << 50)]
    public long HeldBytes { get; set; } = 128L * 1024 * 1024;

    /// <summary>Most connections that the features open to other services, each of which needs a descriptor.</summary>
    public int OutgoingConnections { get; internal set; }
}
