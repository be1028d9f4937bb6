// Feeds one reader of files with what AFL++ makes up, and tells it of every exception that the reader does not
// document.
//
//   Bptt.Fuzz TARGET            under afl-fuzz; alone, one file from standard input
//   Bptt.Fuzz TARGET FOLDER     every file of a folder once
//   Bptt.Fuzz --seeds FOLDER    writes files to begin with, a folder for each target

using Bptt.Fuzz;
using SharpFuzz;

if (args is ["--seeds", string seeds])
{
    Seeds.Write(seeds);
    return 0;
}
if (args.Length is not (1 or 2) || !Targets.All.TryGetValue(args[0], out Action<byte[]>? target))
{
    Console.Error.WriteLine($"usage: Bptt.Fuzz {string.Join('|', Targets.All.Keys)} [FOLDER]");
    return 2;
}
if (args is [_, string folder])
{
    string[] files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
    Array.ForEach(files, file => target(File.ReadAllBytes(file)));
    Console.WriteLine($"{files.Length} files");
    return 0;
}
Fuzzer.Run(stream =>
{
    using var bytes = new MemoryStream();
    stream.CopyTo(bytes);
    target(bytes.ToArray());
});
return 0;
