// Which worker computes which shard: balanced, and changed as little as joining and leaving workers ask for. Sends
// nothing.

namespace Bptt.Orleans;

/// <summary>The owner of each shard, and who else holds its data.</summary>
/// <param name="shards">The number of shards.</param>
internal sealed class ShardAssignment(int shards)
{
    private readonly Member?[] _owners = new Member?[shards];

    /// <summary>The owner of each shard.</summary>
    public IReadOnlyList<Member?> Owners => _owners;

    /// <summary>Gives shards without a living owner to workers, and evens out: no worker has two more than another.
    /// Where it may choose, a shard goes to a worker that holds it already.</summary>
    /// <param name="workers">The living, at least one.</param>
    /// <param name="holds">Whether a worker holds the data of a shard.</param>
    /// <returns>The shards that have another owner than before.</returns>
    public IReadOnlyList<int> Balance(IReadOnlyList<Member> workers, Func<Member, int, bool> holds)
    {
        Member?[] before = [.. _owners];
        for (int k = 0; k < _owners.Length; k++)
        {
            if (_owners[k] is Member owner && !workers.Contains(owner))
            {
                _owners[k] = null;
            }
        }
        for (int k = 0; k < _owners.Length; k++)
        {
            int shard = k;
            _owners[k] ??= workers.MinBy(w => (LoadOf(w), holds(w, shard) ? 0 : 1));
        }
        while (workers.MaxBy(LoadOf)! is Member most
            && workers.MinBy(LoadOf)! is Member least
            && LoadOf(most) > LoadOf(least) + 1)
        {
            int[] own = [.. Enumerable.Range(0, _owners.Length).Where(k => _owners[k] == most)];
            _owners[own.OrderBy(k => holds(least, k) ? 0 : 1).First()] = least;
        }
        return [.. Enumerable.Range(0, _owners.Length).Where(k => _owners[k] != before[k])];
    }

    private int LoadOf(Member worker) => _owners.Count(owner => owner == worker);
}
