// 𝒯 X: what the inputs of a chunk do to its own outputs, past any state that is kept.
//
//   𝒯  qS×dS, M_{i−j} in block row i and block column j ≤ i, zero above

using Bptt.Kernels;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>The rows of 𝒯 in strips, each as far as its diagonal goes: little more than half of all
/// products.</summary>
internal sealed class DirectTerm
{
    private const int MostStrips = 8;

    private readonly LiftedWeights _weights;
    private readonly int _steps; // of a strip
    private readonly PackedFactor[] _strips;
    private readonly ArraySegment<double> _entries; // of one strip

    /// <param name="window">Kernels and memory.</param>
    /// <param name="weights">The lifted model.</param>
    public DirectTerm(PassWindow window, LiftedWeights weights)
    {
        _weights = weights;
        int count = Math.Min(MostStrips, weights.ChunkLength);
        _steps = weights.ChunkLength / count;
        int d = weights.Model.InputSize;
        int q = weights.Model.OutputSize;
        _strips = [.. Enumerable.Range(0, count).Select(i => window.Factor(q * _steps, d * _steps * (i + 1)))];
        _entries = window.Context.Storage((long)q * _steps * d * weights.ChunkLength);
    }

    /// <summary>Packs the strips.</summary>
    public void Pack()
    {
        int q = _weights.Model.OutputSize;
        int d = _weights.Model.InputSize;
        for (int i = 0; i < _strips.Length; i++)
        {
            var strip = new MatrixSpan(_entries, q * _steps, d * _steps * (i + 1), q * _steps);
            _weights.WriteDirectTerm(i * _steps, strip);
            _strips[i].Pack(strip);
        }
    }

    /// <summary>O += 𝒯 X, for any number of chunks.</summary>
    public void AddTo(MatrixSpan inputs, MatrixSpan outputs)
    {
        int rows = _weights.Model.OutputSize * _steps;
        int columns = _weights.Model.InputSize * _steps;
        for (int i = 0; i < _strips.Length; i++)
        {
            _strips[i].MultiplyAdd(inputs.RowRange(0, columns * (i + 1)), outputs.RowRange(i * rows, rows));
        }
    }
}
