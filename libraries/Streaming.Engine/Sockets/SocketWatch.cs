using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Streaming.Sockets;

/// <summary>The owner of a watched socket. The watch's thread calls it, sometimes without a cause.</summary>
internal interface IWatched
{
    /// <summary>Reports that the peer has sent something, or is gone.</summary>
    void Readable(Span<byte> buffer);

    /// <summary>Reports that the kernel takes bytes again, after <see cref="SocketWatch.AwaitWritable"/>.</summary>
    void Writable();
}

/// <summary>Watches all taken sockets, on one thread (epoll(7)): an idle stream costs it eight bytes, where a pending
/// read costs half a kilobyte.</summary>
internal sealed partial class SocketWatch : IDisposable
{
    private const int CloseOnExec = 0x80000,
        Add = 1,
        Modify = 3,
        MostEvents = 256;

    private const uint In = 1,
        Out = 4,
        PeerClosed = 0x2000,
        EdgeTriggered = 1u << 31;

    /// <summary>Longest wait, after which a stopped watch ends.</summary>
    private const int WaitMilliseconds = 1_000;

    // struct epoll_event { uint32_t events; epoll_data_t data; }, packed on x86-64 only.
    private static readonly int DataAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int Size = DataAt + 8;

    private readonly Lock _gate = new();

    /// <summary>The owners of the watched sockets, by descriptor. The array stays short, because the kernel gives the
    /// lowest free descriptor.</summary>
    private IWatched?[] _watched = [];
    private EpollHandle? _epoll;
    private bool _stopped;

    /// <summary>Watches the socket until <see cref="Remove"/>.</summary>
    public void Watch(NativeSocket socket, IWatched by)
    {
        var descriptor = (int)socket.DangerousGetHandle();
        lock (_gate)
        {
            if (descriptor >= _watched.Length)
                Array.Resize(ref _watched, Math.Max(descriptor + 1, _watched.Length * 2));

            _watched[descriptor] = by;
            _epoll ??= Start();
        }

        Control(Add, socket, In);
    }

    /// <summary>Calls <see cref="IWatched.Writable"/> once when the socket takes bytes, at once if it does
    /// already.</summary>
    public void AwaitWritable(NativeSocket socket) => Control(Modify, socket, In | Out);

    /// <summary>Forgets the socket. The caller closes the socket afterwards, which also removes it from
    /// epoll.</summary>
    public void Remove(NativeSocket socket)
    {
        lock (_gate)
            _watched[(int)socket.DangerousGetHandle()] = null;
    }

    public void Dispose() => Volatile.Write(ref _stopped, true);

    private EpollHandle Start()
    {
        var epoll = Create(CloseOnExec);
        if (epoll.IsInvalid)
            throw new Win32Exception(Marshal.GetLastPInvokeError());

        var thread = new Thread(() => Run(epoll)) { IsBackground = true, Name = "sse-watch" };
        // The first stream's request starts the thread, which must not keep the request's AsyncLocals.
        thread.UnsafeStart();
        return epoll;
    }

    private void Run(EpollHandle epoll)
    {
        Span<byte> events = stackalloc byte[MostEvents * Size];
        var buffer = new byte[4 * 1_024];

        while (!Volatile.Read(ref _stopped))
        {
            var number = Wait(epoll, events, MostEvents, WaitMilliseconds);
            for (var i = 0; i < number; i++)
                Tell(events.Slice(i * Size, Size), buffer);
        }

        epoll.Dispose();
    }

    private void Tell(ReadOnlySpan<byte> told, Span<byte> buffer)
    {
        var happened = MemoryMarshal.Read<uint>(told);
        // The descriptor may have been closed meanwhile and belong to another stream by now. That stream then finds
        // nothing to read or write.
        if (Volatile.Read(ref _watched)[MemoryMarshal.Read<int>(told[DataAt..])] is not { } watched)
            return;

        if ((happened & Out) != 0)
            watched.Writable();
        if ((happened & ~Out) != 0)
            watched.Readable(buffer);
    }

    private void Control(int operation, NativeSocket socket, uint events)
    {
        Span<byte> described = stackalloc byte[16];
        MemoryMarshal.Write(described, events | PeerClosed | EdgeTriggered);
        MemoryMarshal.Write(described[DataAt..], (int)socket.DangerousGetHandle());
        Control(_epoll!, operation, socket, described);
    }

    private sealed class EpollHandle() : SafeHandleMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle() => Free(handle) == 0;
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial EpollHandle Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int Control(EpollHandle epoll, int operation, NativeSocket socket, Span<byte> described);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int Wait(EpollHandle epoll, Span<byte> events, int most, int milliseconds);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Free(nint descriptor);
}
