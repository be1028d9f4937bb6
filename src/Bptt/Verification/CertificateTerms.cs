// Computes both sides of the two identities that a certificate compares, and how far rounding alone can part them.
// Gives no verdict.
//
//   d  inputs      h  hidden units      q  outputs      G = [∂L/∂o_1 … ∂L/∂o_T]      O = [o_1 … o_T]

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>What a certificate compares.</summary>
internal sealed class CertificateTerms
{
    /// <summary>Products and inner products below which a second thread costs more than it takes over.</summary>
    private const int WorthSharing = 100_000;

    private readonly ForwardPass _forward;
    private readonly BackwardThroughTime? _backward;
    private readonly PackedColumns _outputGradients;
    private readonly ParameterArray _gradients;
    private readonly Matrix<double> _initialStateGradients;
    private readonly BackwardOptions _options;
    private readonly double _factor;
    private readonly double _carryFactor; // s of random cuts, 1 otherwise
    private readonly KernelSet _kernels;

    /// <param name="forward">The forward pass.</param>
    /// <param name="outputGradients">G.</param>
    /// <param name="gradients">The gradients to certify.</param>
    /// <param name="initialStateGradients">g_0, h×B.</param>
    /// <param name="options">Final-state gradients and truncation.</param>
    public CertificateTerms(
        ForwardPass forward,
        PackedColumns outputGradients,
        Gradients gradients,
        Matrix<double> initialStateGradients,
        BackwardOptions options)
    {
        _forward = forward;
        _outputGradients = outputGradients;
        _gradients = gradients.Entries;
        _initialStateGradients = initialStateGradients;
        _options = options;
        _factor = 1.0;
        _carryFactor = options.Truncation?.CarryFactor ?? 1.0;
        _kernels = forward.Context.Kernels;
    }

    /// <param name="forward">The forward pass.</param>
    /// <param name="backward">The backward pass.</param>
    /// <param name="gradients">The gradients to certify.</param>
    /// <param name="initialStateGradients">g_0, h×B.</param>
    /// <param name="options">Final-state gradients and truncation.</param>
    /// <param name="factor">By how much the gradients were scaled.</param>
    public CertificateTerms(
        ForwardPass forward,
        BackwardThroughTime backward,
        Gradients gradients,
        Matrix<double> initialStateGradients,
        BackwardOptions options,
        double factor)
        : this(forward, backward.OutputGradientColumns, gradients, initialStateGradients, options)
    {
        _backward = backward;
        _factor = factor;
    }

    /// <summary>The relative rounding of products of h, d or q terms.</summary>
    public double RoundingOfTerms =>
        32.0 * MachineEpsilon.OfDouble
        * Math.Sqrt(_gradients.HiddenSize + _gradients.InputSize + _gradients.OutputSize);

    /// <summary>Both identities: the norm of the difference between the sides, and the sum of the norms of both
    /// sides.</summary>
    public ((double Residual, double Size) Gauge, (double Residual, double Size) Euler) Compare()
    {
        // Each is one thread's work, in one order; neighbours go to one thread where there are two.
        double[] left = new double[_gradients.HiddenSize * _gradients.HiddenSize];
        double[] right = new double[left.Length];
        double[] ofOutputs = new double[2];
        Action[] parts =
        [
            () => WriteLeft(left),
            () => ofOutputs[0] = Inner(0, 2),
            () => WriteRight(right),
            () => ofOutputs[1] = Inner(1, 2),
        ];
        int work = left.Length * _gradients.HiddenSize + _outputGradients.All.Values.Length;
        Parallel.For(
            0,
            parts.Length,
            new ParallelOptions
            {
                MaxDegreeOfParallelism = work < WorthSharing ? 1 : _forward.Context.MaxDegreeOfParallelism,
            },
            i => parts[i]());

        double leftNorm = VectorMath.Norm(left);
        double rightNorm = VectorMath.Norm(right);
        VectorMath.AddScaled(-1.0, right, left);
        double ofWeights = VectorMath.Dot(_forward.Model.Weights.Wqh.Values, _gradients.Wqh.Values);
        double sumOfOutputs = _factor * (ofOutputs[0] + ofOutputs[1]);
        return (
            (VectorMath.Norm(left), leftNorm + rightNorm),
            (Math.Abs(ofWeights - sumOfOutputs), Math.Abs(ofWeights) + Math.Abs(sumOfOutputs)));
    }

    /// <summary>∂L/∂W_hh W_hhᵀ + ∂L/∂W_hx W_hxᵀ + Σ_b g_{0,b} h_{0,b}ᵀ, and what a truncation adds.</summary>
    private void WriteLeft(double[] side)
    {
        int h = _gradients.HiddenSize;
        ParameterArray weights = _forward.Model.Weights;
        _kernels.Multiply(_gradients.Whh, weights.Whh.T, Square(side, h));
        _kernels.MultiplyAdd(_gradients.Whx, weights.Whx.T, Square(side, h));
        double[] initialStates = _forward.States.StepOfEach(_ => 0);
        if (VectorMath.MaxAbs(initialStates) > 0.0)
        {
            AddOuter(side, (_carryFactor * _initialStateGradients).ToColumnMajorArray(), initialStates);
        }
        if (_options.Truncation is { Kind: not TruncationKind.Lags } cuts)
        {
            AddCuts(side, cuts);
        }
        else if (_options.Truncation is { } lags && lags.Steps <= _forward.Layout.LastStep)
        {
            AddEndOfLags(side, lags.Steps);
        }
    }

    /// <summary>W_hhᵀ ∂L/∂W_hh + W_qhᵀ ∂L/∂W_qh + Σ_b e_b h_{T,b}ᵀ.</summary>
    private void WriteRight(double[] side)
    {
        int h = _gradients.HiddenSize;
        ParameterArray weights = _forward.Model.Weights;
        _kernels.Multiply(weights.Whh.T, _gradients.Whh, Square(side, h));
        VectorMath.Scale(_carryFactor, side);
        _kernels.MultiplyAdd(weights.Wqh.T, _gradients.Wqh, Square(side, h));
        if (_options.FinalStateGradients is Matrix<double> final)
        {
            AddOuter(
                side, final.ToColumnMajorArray(), _forward.States.StepOfEach(b => _forward.Lengths[b]));
        }
    }

    /// <summary>Σ_t ⟨∂L/∂o_t, o_t⟩ over one of some parts of the columns.</summary>
    private double Inner(int part, int parts)
    {
        int length = _outputGradients.All.Values.Length;
        int from = (int)((long)length * part / parts);
        int to = (int)((long)length * (part + 1) / parts);
        return VectorMath.Dot(
            _outputGradients.All.Values[from..to], _forward.OutputColumns.All.Values[from..to]);
    }

    /// <summary>
    /// The rounding that sums over time bring to both sides, and Σ ‖∂L/∂o_t‖‖o_t‖. The gauge identity is the sum over
    /// all steps of what each line of both passes leaves over, times the other pass's vector: rounding enters it as it
    /// arises and is amplified by no later step. One pass over all states and state gradients.
    /// </summary>
    public (double Gauge, double Euler, double EulerTerms) RoundingOfSums()
    {
        BackwardThroughTime backward = _backward ?? BackwardThroughTime.Run(
            _forward,
            SequenceBatch.CopyOf(_outputGradients),
            _options);
        ParameterArray weights = _forward.Model.Weights;
        double whh = _carryFactor * VectorMath.Norm(weights.Whh.Values);
        double whx = VectorMath.Norm(weights.Whx.Values);
        double wqh = VectorMath.Norm(weights.Wqh.Values);
        double gauge = 0.0;
        double euler = 0.0;
        double eulerTerms = 0.0;
        double flushed = 0.0; // what setting tiny entries to zero takes away
        for (int b = 0; b < _forward.SequenceCount; b++)
        {
            double[] h = _forward.HiddenStates(b).ColumnNorms();
            double[] d = backward.HiddenStateGradients(b).ColumnNorms();
            double[] x = _forward.InputColumns.ToMatrix(b).ColumnNorms();
            double[] g = _outputGradients.ToMatrix(b).ColumnNorms();
            double[] o = _forward.Outputs(b).ColumnNorms();
            for (int t = 1; t < h.Length; t++)
            {
                double later = t + 1 < h.Length ? whh * d[t + 1] : FinalNorm(b);
                gauge += d[t] * (whh * h[t - 1] + whx * x[t - 1] + h[t]) + (later + wqh * g[t - 1]) * h[t];
                euler += wqh * g[t - 1] * h[t];
                eulerTerms += g[t - 1] * o[t - 1];
                flushed += d[t] + h[t];
            }
            gauge += whh * d[1] * h[0];
        }
        if (_options.Truncation is { Kind: TruncationKind.Lags } lags)
        {
            gauge += SizeOfLags(Math.Min(lags.Steps, _forward.Layout.LastStep + 1));
        }
        int n = _forward.Layout.ColumnCount;
        double hidden = _gradients.HiddenSize;
        double unit = _factor * MachineEpsilon.OfDouble
            * (32.0 * Math.Sqrt(hidden + _gradients.InputSize + _gradients.OutputSize) + 2.0 * Math.Sqrt(n));
        double underflow = 8.0 * double.Epsilon * hidden * n; // of a product in a gradient, then times a weight
        return (
            unit * gauge + _factor * 8.0 * KernelSet.FlushThreshold * hidden * flushed
                + underflow * (1.0 + whh + whx + wqh),
            unit * euler + underflow * (1.0 + wqh),
            _factor * eulerTerms);
    }

    /// <summary>What the k products of each V_k(t), and of the end of the lags, are in size, and what the later ones
    /// make of the rounding of the earlier ones: Σ ‖Aⁱ‖‖A‖‖Aʲ‖‖u‖ over i + j &lt; k, times what the sums are multiplied
    /// by. Sums over lags do not follow from step to step, so here rounding is amplified.</summary>
    private double SizeOfLags(int lags)
    {
        ParameterArray weights = _forward.Model.Weights;
        int h = weights.HiddenSize;
        double whh = VectorMath.Norm(weights.Whh.Values);
        double whx = VectorMath.Norm(weights.Whx.Values);
        double wqh = VectorMath.Norm(weights.Wqh.Values);
        double[] powers = new double[lags]; // ‖Aʲ‖, by a vector in no particular direction
        double[] vector = [.. Enumerable.Range(0, h).Select(i => 1.0 + (0.5 * Math.Sin(1.0 + (3.0 * i))))];
        double[] next = new double[h];
        double unit = Math.Sqrt(h) / VectorMath.Norm(vector);
        double[] sums = new double[lags]; // Σ ‖Aⁱ‖ up to j
        for (int j = 0; j < lags; j++)
        {
            powers[j] = unit * VectorMath.Norm(vector);
            sums[j] = powers[j] + (j > 0 ? sums[j - 1] : 0.0);
            _kernels.Multiply(weights.Whh.T, new MatrixView(vector, h, 1, h), new MatrixSpan(next, h, 1, h));
            (vector, next) = (next, vector);
        }
        double amplified = 0.0;
        for (int i = 0; i < lags; i++)
        {
            amplified += powers[i] * sums[lags - 1 - i];
        }

        double size = 0.0;
        for (int b = 0; b < _forward.SequenceCount; b++)
        {
            double[] states = _forward.HiddenStates(b).ColumnNorms();
            double[] inputs = _forward.InputColumns.ToMatrix(b).ColumnNorms();
            double source = (wqh * _outputGradients.ToMatrix(b).ColumnNorms().Max()) + FinalNorm(b);
            for (int t = 1; t < states.Length; t++)
            {
                size += source * ((2.0 * whh * states[t - 1]) + (whx * inputs[t - 1]) + states[t]);
            }
        }
        return whh * amplified * size;
    }

    private double FinalNorm(int sequence) =>
        _options.FinalStateGradients is Matrix<double> final ? final.Column(sequence).L2Norm() : 0.0;

    /// <summary>s Σ W_hhᵀ ∂L/∂h_{t+1} h_tᵀ over the steps t after which the gradient is cut.</summary>
    private void AddCuts(double[] side, Truncation cuts)
    {
        int h = _gradients.HiddenSize;
        var later = new List<double>();
        var earlier = new List<double>();
        for (int b = 0; b < _forward.SequenceCount; b++)
        {
            for (int t = 1; t < _forward.Lengths[b]; t++)
            {
                if (cuts.CutsAfter(t))
                {
                    later.AddRange(_backward!.HiddenStateGradient(t + 1, b));
                    earlier.AddRange(_forward.HiddenState(t, b));
                }
            }
        }
        if (later.Count == 0)
        {
            return;
        }
        double[] product = new double[h * h];
        int columns = later.Count / h;
        _kernels.Multiply(
            new MatrixView(later.ToArray(), h, columns, h),
            new MatrixView(earlier.ToArray(), h, columns, h).T,
            Square(product, h));
        VectorMath.Scale(_factor * _carryFactor, product);
        _kernels.MultiplyAdd(_forward.Model.Weights.Whh.T, Square(product, h), Square(side, h));
    }

    /// <summary>Σ_t (W_hhᵀ)ᵏ u_{t+k} h_tᵀ: (W_hhᵀ)ᵏ [W_qhᵀ, e] [Σ_t ∂L/∂o_{t+k} h_tᵀ; h_{T−k}ᵀ].</summary>
    private void AddEndOfLags(double[] side, int lags)
    {
        int h = _gradients.HiddenSize;
        int q = _gradients.OutputSize;
        List<int> ends = _options.FinalStateGradients is null
            ? []
            : [.. Enumerable.Range(0, _forward.SequenceCount).Where(b => _forward.Lengths[b] >= lags)];
        int columns = q + ends.Count;

        double[] left = new double[h * columns];
        double[] right = new double[h * columns]; // transposed: a column for each row of the right factor
        double[] correlation = LagCorrelations.Of(_forward.Record, _outputGradients, lags, 1)[0];
        ParameterArray weights = _forward.Model.Weights;
        for (int j = 0; j < q; j++)
        {
            for (int i = 0; i < h; i++)
            {
                left[i + j * h] = weights.Wqh.Values[j + i * q];
                right[i + j * h] = correlation[j + i * q];
            }
        }
        for (int k = 0; k < ends.Count; k++)
        {
            _options.FinalStateGradients!.Column(ends[k]).Entries().CopyTo(left.AsSpan((q + k) * h));
            _forward.HiddenState(_forward.Lengths[ends[k]] - lags, ends[k]).Entries().CopyTo(right.AsSpan((q + k) * h));
        }

        double[] next = new double[left.Length];
        for (int step = 0; step < lags; step++)
        {
            _kernels.Multiply(
                weights.Whh.T, new MatrixView(left, h, columns, h), new MatrixSpan(next, h, columns, h));
            (left, next) = (next, left);
        }
        VectorMath.Scale(_factor, left);
        _kernels.MultiplyAdd(
            new MatrixView(left, h, columns, h), new MatrixView(right, h, columns, h).T, Square(side, h));
    }

    /// <summary>Adds Σ_b a_b c_bᵀ, scaled as the gradients are.</summary>
    private void AddOuter(double[] side, double[] a, double[] c)
    {
        int h = _gradients.HiddenSize;
        int columns = a.Length / h;
        VectorMath.Scale(_factor, a);
        _kernels.MultiplyAdd(new MatrixView(a, h, columns, h), new MatrixView(c, h, columns, h).T, Square(side, h));
    }

    private static MatrixSpan Square(double[] entries, int h) => new(entries, h, h, h);
}
