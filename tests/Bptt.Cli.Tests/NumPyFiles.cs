// Files of NumPy, byte for byte as its documentation tells, written without the library that the command reads with.

using System.IO.Compression;
using System.Text;

namespace Bptt.Cli.Tests;

internal static class NumPyFiles
{
    /// <summary>A .npy file of doubles in the order of C.</summary>
    public static byte[] Array(double[] values, params int[] shape)
    {
        string sizes = string.Concat(shape.Select(s => $"{s},"));
        string header = $"{{'descr': '<f8', 'fortran_order': False, 'shape': ({sizes}), }}";
        header = header.PadRight((10 + header.Length) / 64 * 64 + 64 - 11) + "\n";
        return
        [
            0x93, .. "NUMPY"u8, 1, 0, .. BitConverter.GetBytes((ushort)header.Length),
            .. Encoding.ASCII.GetBytes(header), .. values.SelectMany(BitConverter.GetBytes),
        ];
    }

    /// <summary>A .npz file.</summary>
    public static byte[] Archive(params (string Name, byte[] Array)[] arrays)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] array) in arrays)
            {
                using Stream entry = archive.CreateEntry($"{name}{(name.Contains('.') ? "" : ".npy")}").Open();
                entry.Write(array);
            }
        }
        return stream.ToArray();
    }
}
