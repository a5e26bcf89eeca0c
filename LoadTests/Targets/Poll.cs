using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LoadTests.Targets;

/// <summary>
/// One thread that sees which of thousands of sockets can be read (epoll(7), each told once: edge-triggered), and reads for whoever waits. .NET's own engine asks
/// each socket once more after each read whether there is more, which for streams of single events is every second call of a client.
/// </summary>
internal sealed unsafe partial class Poll
{
    private const int Add = 1, MostEvents = 512;
    private const uint In = 0x1, Error = 0x8, HangUp = 0x10, ReadHangUp = 0x2000, Edge = 1u << 31;

    // struct epoll_event { uint32_t events; epoll_data_t data; }, packed on x86-64 only.
    private static readonly int DataAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8, Size = DataAt + 8;

    private readonly int _descriptor = epoll_create1(0);
    private readonly Lock _gate = new();
    private readonly Stack<int> _free = [];
    private PolledStream?[] _streams = new PolledStream?[1_024];
    private int _count;

    private Poll() => new Thread(Run) { IsBackground = true, Name = "sockets" }.Start();

    /// <summary>For all of the process: what the readers do with an event takes less than what a second thread would cost.</summary>
    public static Poll Shared { get; } = new();

    /// <returns>Its number here.</returns>
    public int Watch(PolledStream stream, Socket socket)
    {
        int index;
        lock (_gate)
        {
            if (!_free.TryPop(out index)) index = _count++;
            if (index == _streams.Length) Array.Resize(ref _streams, 2 * index);
            _streams[index] = stream;
        }
        var e = stackalloc byte[16];
        Unsafe.WriteUnaligned(e, In | ReadHangUp | Edge);
        Unsafe.WriteUnaligned(e + DataAt, (long)index);
        return epoll_ctl(_descriptor, Add, (int)socket.Handle, e) == 0 ? index : throw new Win32Exception();
    }

    /// <summary>Its socket is closed, which the kernel notices by itself; what it has said before may still reach whoever gets the number next, whom it does not hurt.</summary>
    public void Forget(int index)
    {
        lock (_gate)
        {
            _streams[index] = null;
            _free.Push(index);
        }
    }

    private void Run()
    {
        var events = (byte*)NativeMemory.Alloc((nuint)(MostEvents * Size));
        while (true)
        {
            var n = epoll_wait(_descriptor, events, MostEvents, -1);
            for (var e = events; n-- > 0; e += Size)
                Volatile.Read(ref _streams)[Unsafe.ReadUnaligned<int>(e + DataAt)]?.Arrived((Unsafe.ReadUnaligned<uint>(e) & (Error | HangUp | ReadHangUp)) != 0);
        }
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int epoll_create1(int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int epoll_ctl(int descriptor, int operation, int target, byte* e);
    [LibraryImport("libc", SetLastError = true)] private static partial int epoll_wait(int descriptor, byte* events, int most, int timeout);
}
