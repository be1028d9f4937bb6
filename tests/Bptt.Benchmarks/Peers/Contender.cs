// A program that takes part in the table, before it is given data.

namespace Bptt.Benchmarks.Peers;

/// <summary>Which programs take part beside Bptt.</summary>
internal enum PeerSelection
{
    /// <summary>None.</summary>
    None,

    /// <summary>Those written with MathNet.Numerics.</summary>
    MathNet,

    /// <summary>Those, and those written with TorchSharp where the build has it.</summary>
    All,
}

/// <summary>One program.</summary>
/// <param name="Name">As the table shows it.</param>
/// <param name="IsSinglePrecision">Whether it computes in float.</param>
/// <param name="UseThreads">Tells the library behind it how many threads to use.</param>
/// <param name="SetUp">Gives it data and a number of threads.</param>
internal sealed record Contender(
    string Name, bool IsSinglePrecision, Action<int> UseThreads, Func<Problem, int, IPass> SetUp)
{
    /// <summary>Whether it can run a problem.</summary>
    public Func<Problem, bool> Fits { get; init; } = _ => true;

    /// <summary>The relative error against Bptt from which on it does not compute the same thing.</summary>
    public double Tolerance => IsSinglePrecision ? 1e-3 : 1e-9;

    /// <summary>Whether it is the library itself, which is always timed.</summary>
    public bool IsBptt { get; init; }

    /// <summary>Bptt, in double first, and the peers selected.</summary>
    public static IReadOnlyList<Contender> All(PeerSelection peers)
    {
        List<Contender> contenders = [.. BpttPass.Contenders];
        if (peers != PeerSelection.None)
        {
            contenders.Add(MathNetStepByStep.Contender);
            contenders.Add(MathNetBatchedProducts.Contender);
        }
        if (peers == PeerSelection.All && TorchPeers.WhyNot is null)
        {
            contenders.AddRange(TorchPeers.All);
        }
        return contenders;
    }
}
