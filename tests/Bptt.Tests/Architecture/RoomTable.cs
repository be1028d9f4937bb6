// A table of rooms and who may import whom, held against a compiled assembly: a room is a namespace, and a namespace a
// folder.

using ArchUnitNET.Domain;
using ArchUnitNET.Domain.Extensions;
using ArchUnitNET.Loader;

namespace Bptt.Tests.Architecture;

internal sealed class RoomTable
{
    private readonly string _root;
    private readonly Dictionary<string, string[]> _allowed;
    private readonly IType[] _types;

    /// <param name="assembly">What is held against the table.</param>
    /// <param name="root">The namespace that the rooms lie in.</param>
    /// <param name="rows">"room → rooms it may import"; a room that is not named may not exist. Root stands for the
    /// namespace itself.</param>
    public RoomTable(System.Reflection.Assembly assembly, string root, params string[] rows)
    {
        _root = root;
        _allowed = rows.Select(row => row.Split('→')).ToDictionary(
            row => row[0].Trim(), row => row[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        _types = [.. new ArchLoader().LoadAssembly(assembly).Build().Types.Where(IsOurs)];
    }

    /// <summary>Rooms that the table does not name.</summary>
    public IEnumerable<string> UnknownRooms() =>
        _types.Select(Room).Distinct().Where(room => !_allowed.ContainsKey(room));

    /// <summary>Every import that the table does not allow.</summary>
    public IEnumerable<string> Breaches() => Imports()
        .Where(import => Room(import.From) != Room(import.To) && !_allowed[Room(import.From)].Contains(Room(import.To)))
        .Select(import => $"{import.From.FullName} → {import.To.FullName}")
        .Distinct();

    /// <summary>Types of another assembly that are no public API of it and that this one uses all the same.</summary>
    public static IEnumerable<string> InternalsUsed(System.Reflection.Assembly user, System.Reflection.Assembly used)
    {
        HashSet<string> names = [.. used.GetTypes().Where(type => !type.IsVisible).Select(type => type.FullName!)];
        return new ArchLoader().LoadAssemblies(user, used).Build().Types
            .Where(type => user.GetType(type.FullName) is not null)
            .SelectMany(type => type.GetTypeDependencies())
            .Select(target => target.FullName)
            .Where(names.Contains)
            .Distinct();
    }

    /// <summary>How many dependencies between types there are.</summary>
    public int ImportCount() => Imports().Count();

    /// <summary>Rooms that could import each other under the table, so that it would be no order.</summary>
    public IEnumerable<string> Circles() => _allowed.Keys.Where(room => Reachable(room).Contains(room));

    private HashSet<string> Reachable(string room)
    {
        var seen = new HashSet<string>();
        var open = new Stack<string>(_allowed[room]);
        while (open.TryPop(out string? next))
        {
            if (seen.Add(next))
            {
                foreach (string further in _allowed[next])
                {
                    open.Push(further);
                }
            }
        }
        return seen;
    }

    /// <summary>Type parameters left aside: the loader takes those of different methods for each other.</summary>
    private IEnumerable<(IType From, IType To)> Imports() => _types.SelectMany(
        type => type.GetTypeDependencies().Where(IsOurs).Where(target => target is not GenericParameter)
            .Select(target => (type, target)));

    private string Room(IType type) =>
        type.Namespace.FullName == _root ? "Root" : type.Namespace.FullName[(_root.Length + 1)..];

    private bool IsOurs(IType type) =>
        type.Namespace is not null
        && (type.Namespace.FullName == _root
            || type.Namespace.FullName.StartsWith($"{_root}.", StringComparison.Ordinal))
        && type.Assembly.Name.StartsWith(_root, StringComparison.Ordinal);
}
