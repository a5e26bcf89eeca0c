using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;

namespace Pictures;

/// <summary>Screenshots of a page, taken while something happens on it, as an animated WebP in real time.</summary>
internal sealed class Film(IPage page)
{
    // Draws a screenshot, and returns the part that differs from the one before it, whose other pixels are transparent.
    // A frame's place in the file is even.
    private const string Difference = """
        async png => {
          const shot = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
          const { width, height } = shot;
          const pen = new OffscreenCanvas(width, height).getContext("2d");
          pen.drawImage(shot, 0, 0);
          const image = pen.getImageData(0, 0, width, height);
          const pixels = new Uint32Array(image.data.buffer);
          const before = window.before;
          window.before = pixels.slice();

          let left = width, top = height, right = -1, bottom = -1;
          for (let i = 0; i < pixels.length; i++) {
            if (before && pixels[i] === before[i]) { pixels[i] = 0; continue; }
            left = Math.min(left, i % width); right = Math.max(right, i % width);
            top = Math.min(top, Math.floor(i / width)); bottom = Math.floor(i / width);
          }
          if (right < 0) return null;

          left -= left % 2; top -= top % 2;
          const part = new OffscreenCanvas(right - left + 1, bottom - top + 1);
          part.getContext("2d").putImageData(image, -left, -top);
          const bytes = await (await part.convertToBlob({ type: "image/webp", quality: 0.97 })).bytes();
          return { left, top, width: part.width, height: part.height, webp: bytes.toBase64() };
        }
        """;

    private static readonly string[] Pixels = ["ALPH", "VP8 ", "VP8L"];

    private readonly List<(long At, byte[] Png)> _shots = [];

    /// <summary>Takes screenshots until the scene has ended.</summary>
    public async Task RecordAsync(Func<Task> scene)
    {
        var clock = Stopwatch.StartNew();
        var playing = scene();
        while (!playing.IsCompleted)
            _shots.Add((clock.ElapsedMilliseconds, await page.ScreenshotAsync()));

        await playing;
    }

    /// <summary>Makes the file, in which the last frame stays for <paramref name="hold"/> milliseconds before the
    /// first one comes again.</summary>
    public async Task<byte[]> DevelopAsync(int hold)
    {
        var table = await page.Context.NewPageAsync();
        var frames = new List<(long At, JsonElement Part)>();
        foreach (var (at, png) in _shots)
            if (
                await table.EvaluateAsync(Difference, Convert.ToBase64String(png)) is
                { ValueKind: JsonValueKind.Object } part
            )
                frames.Add((at, part));
        await table.CloseAsync();

        // https://developers.google.com/speed/webp/docs/riff_container: animation and alpha, for ever
        var size = frames[0].Part;
        var file = new MemoryStream();
        file.Write("WEBP"u8);
        Write(file, "VP8X", [0x12, 0, 0, 0, .. Three(Number(size, "width") - 1), .. Three(Number(size, "height") - 1)]);
        Write(file, "ANIM", new byte[6]);

        var end = _shots[^1].At + hold;
        foreach (var ((at, part), next) in frames.Zip(frames.Skip(1).Select(frame => frame.At).Append(end)))
            Write(file, "ANMF", Frame(part, (int)(next - at)));

        var riff = new MemoryStream();
        Write(riff, "RIFF", file.ToArray());
        return riff.ToArray();
    }

    private static byte[] Frame(JsonElement part, int milliseconds)
    {
        var frame = new MemoryStream();
        frame.Write([
            .. Three(Number(part, "left") / 2),
            .. Three(Number(part, "top") / 2),
            .. Three(Number(part, "width") - 1),
            .. Three(Number(part, "height") - 1),
            .. Three(milliseconds),
            0, // drawn over the frame before it, which stays
        ]);

        // Of the part's own file only the pixels.
        var webp = part.GetProperty("webp").GetBytesFromBase64().AsSpan(12);
        while (webp.Length > 0)
        {
            var chunk = webp[..(8 + BinaryPrimitives.ReadInt32LittleEndian(webp[4..]))];
            if (Pixels.Contains(Encoding.ASCII.GetString(chunk[..4])))
                Write(frame, Encoding.ASCII.GetString(chunk[..4]), chunk[8..]);
            webp = webp[(chunk.Length + chunk.Length % 2)..];
        }

        return frame.ToArray();
    }

    private static void Write(MemoryStream file, string name, ReadOnlySpan<byte> content)
    {
        Span<byte> size = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, content.Length);
        file.Write(Encoding.ASCII.GetBytes(name));
        file.Write(size);
        file.Write(content);

        if (content.Length % 2 == 1)
            file.WriteByte(0);
    }

    private static byte[] Three(int number) => [(byte)number, (byte)(number >> 8), (byte)(number >> 16)];

    private static int Number(JsonElement part, string name) => part.GetProperty(name).GetInt32();
}
