// Where a path leads when its symbolic links are followed. Opens nothing.

namespace Bptt.Files;

internal static class SymbolicLinks
{
    /// <summary>As many as operating systems follow.</summary>
    private const int Most = 40;

    /// <summary>The full path without links; what the last link names need not be there. A link to what a process has
    /// open is not followed: that may have no name.</summary>
    /// <exception cref="IOException">Links lead to each other without end.</exception>
    public static string Follow(string path)
    {
        string full = Path.GetFullPath(path);
        if (OperatingSystem.IsWindows())
        {
            return new FileInfo(full).LinkTarget is null
                ? full : File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
        }

        // Name by name, not with File.ResolveLinkTarget: that takes ".." after a linked folder for the folder of the
        // link.
        string place = "/";
        var names = new Stack<string>();
        Push(full);
        int links = 0;
        while (names.TryPop(out string? name))
        {
            if (name == "..")
            {
                place = Path.GetDirectoryName(place) ?? "/";
                continue;
            }
            string next = Path.Join(place, name);
            if (IsOpenFile(next) || new FileInfo(next).LinkTarget is not string target)
            {
                place = next;
                continue;
            }
            if (++links > Most)
            {
                throw new IOException($"'{full}' leads through more than {Most} symbolic links, or in a circle.");
            }
            place = target.StartsWith('/') ? "/" : place;
            Push(target);
        }
        return place;

        void Push(string to)
        {
            foreach (string name in to.Split('/').Reverse().Where(n => n is not ("" or ".")))
            {
                names.Push(name);
            }
        }
    }

    /// <summary>Whether a path without links is one of those by which Linux shows what a process has open, as to where
    /// /dev/stdout and /dev/fd lead.</summary>
    public static bool IsOpenFile(string path) =>
        path.Split('/') is ["", "proc", _, "fd", _] or ["", "proc", _, "task", _, "fd", _];
}
