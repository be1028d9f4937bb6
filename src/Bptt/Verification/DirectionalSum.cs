// The terms of a derivative in one direction, added up, and what may be missing from them. Computes no term.

using Bptt.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>The derivative of the loss along αV, as its terms come.</summary>
/// <param name="direction">V.</param>
/// <param name="scale">α.</param>
internal sealed class DirectionalSum(LossDirection direction, double scale)
{
    private CompensatedSum _sum;
    private double[] _output = [];

    /// <summary>V.</summary>
    public LossDirection Direction { get; } = direction;

    /// <summary>α.</summary>
    public double Scale { get; } = scale;

    /// <summary>The sum of all terms.</summary>
    public double Value => _sum.Value;

    /// <summary>The sum of their magnitudes.</summary>
    public double Magnitude { get; private set; }

    /// <summary>What may have been lost to underflow, here or in a backward pass.</summary>
    public double Floor { get; set; }

    public void Add(double term)
    {
        _sum.Add(term);
        Magnitude += Math.Abs(term);
    }

    /// <summary>Zeros for ȯ_t, the same memory each time.</summary>
    public double[] Output(int rows)
    {
        if (_output.Length == rows)
        {
            Array.Clear(_output);
        }
        else
        {
            _output = new double[rows];
        }
        return _output;
    }
}
