using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime;
using System.Runtime.InteropServices;
using System.Text;

#pragma warning disable CA1050 // The runtime looks for this name, in no namespace (DOTNET_STARTUP_HOOKS).

/// <summary>Runs inside the .NET servers under test, before their Main: answers on a Unix socket how much the process
/// has allocated, compiled and read from the store, and how often it has thrown and woken up.</summary>
internal static partial class StartupHook
{
    public const string Variable = "SERVER_PROBE";

    // StreamApi adds a page's events to it once for each page that it reads from the store.
    private const string Replayed = "sse.server.events.replayed";

    private static MeterListener? _listener;
    private static long _pages;
    private static long _thrown;

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } path)
            return;

        AppDomain.CurrentDomain.FirstChanceException += (_, _) => Interlocked.Increment(ref _thrown);
        new Thread(() => Serve(path)) { IsBackground = true, Name = "server-probe" }.Start();
    }

    private static void Serve(string path)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();

        var question = new byte[1];

        while (true)
        {
            using var asker = listener.Accept();
            while (asker.Receive(question) == 1)
            {
                var answer = question[0] switch
                {
                    (byte)'c' => (long)JitInfo.GetCompilationTime().TotalMilliseconds,
                    (byte)'r' => PagesRead(),
                    (byte)'t' => Interlocked.Read(ref _thrown),
                    (byte)'w' => WokenUp(),
                    _ => GC.GetTotalAllocatedBytes(precise: true),
                };
                asker.Send(Encoding.ASCII.GetBytes(answer.ToString(CultureInfo.InvariantCulture) + "\n"));
            }
        }
    }

    /// <summary>Voluntary context switches of all threads (getrusage(2)).</summary>
    private static long WokenUp()
    {
        const int Self = 0,
            VoluntarySwitches = 16; // its place

        Span<long> usage = stackalloc long[18];
        return GetUsage(Self, usage) == 0 ? usage[VoluntarySwitches] : throw new InvalidOperationException();
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetUsage(int who, Span<long> usage);

    /// <summary>Pages that the process has read from the store since the first question.</summary>
    private static long PagesRead()
    {
        if (_listener is null)
        {
            _listener = new MeterListener
            {
                InstrumentPublished = (instrument, listener) =>
                {
                    if (instrument.Name == Replayed)
                        listener.EnableMeasurementEvents(instrument);
                },
            };
            _listener.SetMeasurementEventCallback<long>((_, _, _, _) => Interlocked.Increment(ref _pages));
            _listener.Start();
        }
        return Interlocked.Read(ref _pages);
    }
}
