// Truncation to k lags: ∂L/∂h_t as the first k terms of the general term (4), for all steps at once. Knows no weight
// gradient.
//
//   u_t = W_qhᵀ ∂L/∂o_t, with what comes from beyond the last step      V_k(t) = Σ_{j=0..k−1} (W_hhᵀ)ʲ u_{t+j}

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt.Passes;

/// <summary>
/// V_k(t) for every t from two rules that add and never subtract: V_{2n}(t) = V_n(t) + (W_hhᵀ)ⁿ V_n(t+n), and
/// V_{n+1}(t) = u_t + W_hhᵀ V_n(t+1): at most 2·log₂k matrix products over all steps, binary powering for a sum (Knuth,
/// <i>The Art of Computer Programming</i> 4.6.3). A difference of two full sums, V_∞(t) − (W_hhᵀ)ᵏ V_∞(t+k), would lose
/// all digits where gradients explode.
/// </summary>
/// <remarks>A power is used as long as squaring has kept its digits: where the powers of W_hh first grow and then fall
/// (far from normal), or overflow, the rest goes by the second rule alone, one product for each lag.</remarks>
internal sealed class LagSums<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>Steps of a piece, at least: a piece of p steps takes products over p + k − 1.</summary>
    private const int FewestStepsOfPiece = 256;

    private readonly ParameterArray<TReal> _weights;
    private readonly int _lags;
    private readonly PackedColumns<TReal> _outputGradients;
    private readonly ReadOnlyMemory<TReal> _finalStateGradients;
    private readonly bool _isWhole;

    /// <param name="forward">The forward pass.</param>
    /// <param name="lags">k.</param>
    /// <param name="outputGradients">G, q×N, complete when <see cref="Compute"/> is called.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    public LagSums(
        ForwardRecord<TReal> forward,
        int lags,
        PackedColumns<TReal> outputGradients,
        ReadOnlyMemory<TReal> finalStateGradients)
    {
        _weights = forward.Weights;
        _lags = Math.Min(lags, forward.Layout.LastStep + 1); // no sum has more terms
        _outputGradients = outputGradients;
        _finalStateGradients = finalStateGradients;
        _isWhole = forward.States.Windows.Count == 1;
    }

    /// <summary>V_k(t) for some steps, step 0 perhaps among them. Takes memory for three columns of each step of the
    /// piece and of the k − 1 steps beyond it.</summary>
    /// <param name="first">The first step.</param>
    /// <param name="last">The last one.</param>
    /// <param name="target">Receives them.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public void Compute(int first, int last, PackedColumns<TReal> target, PassContext<TReal> context)
    {
        int pieceSteps = _isWhole ? last - first + 1 : Math.Max(_lags, FewestStepsOfPiece);
        for (int begin = first; begin <= last; begin += pieceSteps)
        {
            int end = Math.Min(last, begin + pieceSteps - 1);
            int mark = context.Mark();
            try
            {
                BatchLayout steps = _outputGradients.Layout.Slice(
                    begin, (int)Math.Min(_outputGradients.Layout.LastStep, (long)end + _lags - 1));
                PackedColumns<TReal> sums = ComputePiece(steps, context);
                for (int t = begin; t <= end; t++)
                {
                    sums.Block(t).Values.CopyTo(target.Block(t).Values);
                }
            }
            finally
            {
                context.Release(mark);
            }
        }
    }

    private PackedColumns<TReal> ComputePiece(BatchLayout steps, PassContext<TReal> context)
    {
        int h = _weights.HiddenSize;
        PackedColumns<TReal> sources = context.Columns(h, steps);
        WriteSources(sources, context);
        if (_lags == 1)
        {
            return sources;
        }

        var product = new ShiftedProduct<TReal>(context, steps, h);
        var powers = new LagPowers<TReal>(context, _weights.Whh.T);
        PackedColumns<TReal> from = sources; // V_1; it stays, for the second rule
        PackedColumns<TReal> to = context.Columns(h, steps);
        PackedColumns<TReal> spare = context.Columns(h, steps);
        int count = 1; // of the terms in each sum
        int bits = int.Log2(_lags);
        while (count < _lags)
        {
            // Doubling follows the binary digits of k from the highest to the lowest.
            bool doubles = bits > 0 && powers.Reach(count);
            if (bits > 0 && !doubles)
            {
                context.FallBacks.Add("powers of W_hhᵀ for the sums of lags: lag by lag");
            }
            bits = doubles ? bits - 1 : -1;
            if (doubles)
            {
                product.Run(powers.Power, count, from, from, to);
                count *= 2;
                (from, to, spare) = (to, spare, to);
            }
            if (!doubles || (_lags >> bits & 1) == 1)
            {
                product.Run(powers.First, 1, sources, from, to);
                count++;
                (from, to, spare) = (to, spare, to);
            }
        }
        return from;
    }

    /// <summary>u_t of every step; 0 at step 0, which has no output.</summary>
    private void WriteSources(PackedColumns<TReal> sources, PassContext<TReal> context)
    {
        BatchLayout layout = _outputGradients.Layout;
        BatchLayout steps = sources.Layout;
        if (steps.FirstStep == 0)
        {
            sources.Block(0).Values.Clear();
        }
        int first = Math.Max(1, steps.FirstStep);
        if (first > steps.LastStep)
        {
            return;
        }
        int target = steps.BlockOf(first).FirstColumn;
        int count = steps.ColumnCount - target;
        context.Kernels.Multiply(
            _weights.Wqh.T,
            _outputGradients.Spaced(layout.BlockOf(first).FirstColumn, count, 1),
            sources.Spaced(target, count, 1));
        FinalStates<TReal>.Add(_finalStateGradients, layout, first, steps.LastStep, sources);
    }
}

/// <summary>Y(t) = D(t) + A X(t + n) for all steps of a layout; Y(t) = D(t) where the sequence has ended by
/// then.</summary>
internal sealed class ShiftedProduct<TReal> : ITaskBody
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly PassContext<TReal> _context;
    private readonly TaskGraph _graph = new();
    private readonly List<(int First, int Last)> _pieces = [];
    private readonly BatchLayout _steps;
    private PackedMatrix<TReal> _a;
    private int _shift;
    private PackedColumns<TReal> _d = null!;
    private PackedColumns<TReal> _x = null!;
    private PackedColumns<TReal> _y = null!;

    /// <param name="context">Kernels and threads.</param>
    /// <param name="steps">The layout of all operands.</param>
    /// <param name="h">Their rows.</param>
    public ShiftedProduct(PassContext<TReal> context, BatchLayout steps, int h)
    {
        _context = context;
        _steps = steps;
        PlanTuning tuning = context.Tuning;
        int columns = Math.Clamp(tuning.BlockEntries / h, tuning.MinBlockColumns, tuning.MaxBlockColumns);
        for (int first = steps.FirstStep; first <= steps.LastStep;)
        {
            int last = first;
            for (int taken = steps.ActiveAt(first); last < steps.LastStep
                && taken < columns; taken += steps.ActiveAt(last))
            {
                last++;
            }
            _pieces.Add((first, last));
            _graph.Add(isCritical: false);
            first = last + 1;
        }
        _graph.Close();
    }

    /// <param name="a">A, packed for several columns.</param>
    /// <param name="shift">n, at least 1.</param>
    /// <param name="d">D.</param>
    /// <param name="x">X.</param>
    /// <param name="y">Y, another one than X.</param>
    public void Run(
        PackedMatrix<TReal> a,
        int shift,
        PackedColumns<TReal> d,
        PackedColumns<TReal> x,
        PackedColumns<TReal> y)
    {
        (_a, _shift, _d, _x, _y) = (a, shift, d, x, y);
        _context.Run(_graph, this, 2.0 * x.Rows * x.Rows * _steps.ColumnCount);
    }

    /// <inheritdoc/>
    public void Run(int task)
    {
        (int first, int last) = _pieces[task];
        for (int t = first; t <= last;)
        {
            BatchLayout.Block block = _steps.BlockOf(t);
            // so many sequences have a step t + n
            int going = _steps.ActiveAt((int)Math.Min((long)t + _shift, int.MaxValue));
            int end = t;
            if (going == block.Active)
            {
                // As long as nothing ends, the columns of successive steps stand side by side.
                while (end < last && _steps.ActiveAt(end + 1 + _shift) == going)
                {
                    end++;
                }
            }
            int columns = (end - t) * block.Active + going;
            int rest = block.Active - going;
            if (columns > 0)
            {
                _context.Kernels.Step(
                    _a,
                    _x.Spaced(_steps.BlockOf(t + _shift).FirstColumn, columns, 1),
                    _d.Spaced(block.FirstColumn, columns, 1),
                    _y.Spaced(block.FirstColumn, columns, 1));
            }
            if (rest > 0)
            {
                _d.Spaced(block.FirstColumn + columns, rest, 1).Values
                    .CopyTo(_y.Spaced(block.FirstColumn + columns, rest, 1).Values);
            }
            t = end + 1;
        }
    }
}
