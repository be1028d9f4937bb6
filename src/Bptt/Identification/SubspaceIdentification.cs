// Where training starts: a network near the optimum, from the data, without a gradient. The search over regressions and
// horizons; its steps are in LaggedRegression, HankelRealization, StabilityRepair and OutputErrorFit.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps      B  sequences

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>
/// System identification in closed form, on the network's own structure: its impulse response g_k = W_qh W_hhᵏ W_hx
/// from a long least-squares regression, then its weights at any order from the singular value decomposition of the
/// Hankel matrix of g (Ho and Kalman 1966, Kung 1978; of the family of Van Overschee and De Moor, <i>Subspace
/// Identification for Linear Systems</i>, 1996), then W_hx, h_0 and W_qh by least squares on the outputs of a free run.
/// Since g_0 is W_qh W_hx, no unit is spent on an output that follows its input at once.
/// </summary>
/// <remarks>
/// <para>Regressions with and without past outputs, of several lengths, and Hankel matrices of several sizes are tried,
/// and at each order the one with the least squared error of the free run is kept. Those without past outputs serve
/// data whose inputs contain the past of the targets (forecasts), where the two cannot be told apart.</para>
/// <para>A local search by gradients improves the result as a rule a little: the squared error is minimised exactly
/// over W_hx and h_0, but not over W_hh. Results are always stable: eigenvalues of W_hh outside the unit circle are
/// reflected into it. Channels are scaled inside, means are not removed: a network without bias has to produce them.
/// Immutable; may be used from many threads.</para>
/// </remarks>
public sealed class SubspaceIdentification
{
    /// <summary>The largest order that is suggested.</summary>
    private const int MaxSuggestion = 10;

    /// <summary>A mean squared error below this is rounding, where the outputs are of size 1.</summary>
    private const double Rounding = 1e-20;

    private readonly IdentificationData _data;
    private readonly SubspaceIdentificationOptions _options;
    private readonly IReadOnlyList<HankelRealization> _realizations;
    private readonly Lazy<Vector<double>> _singularValues;
    private readonly Lazy<int> _suggestedOrder;

    private SubspaceIdentification(
        IdentificationData data, SubspaceIdentificationOptions options, IReadOnlyList<HankelRealization> realizations)
    {
        _data = data;
        _options = options;
        _realizations = realizations;
        _singularValues = new(FindSingularValues);
        _suggestedOrder = new(FindOrder);
    }

    /// <summary>Singular values of the weighted Hankel matrix, descending, at most
    /// <see cref="SubspaceIdentificationOptions.MaxOrder"/> + 1 of them, fresh: how much each further order adds to
    /// what past inputs, as they were, do to outputs to come. Empty where they do nothing. Cost of a start, at the
    /// first call.</summary>
    public Vector<double> SingularValues => _singularValues.Value.Count == 0
        ? _singularValues.Value : _singularValues.Value.Clone();

    /// <summary>
    /// Of the orders up to 10 the one with the least N ln(σ²) + 2k ln N, where σ² is the mean squared error of the free
    /// run of a start over N numbers and k its degrees of freedom: the criterion of Schwarz (1978) with a penalty twice
    /// as large, since errors of a free run come in a row. A hint and no more: noise that looks like slow modes adds to
    /// it, weak modes hide. Where it matters, compare starts of several orders on data that were held out. Cost of ten
    /// starts, at the first call.
    /// </summary>
    public int SuggestedOrder => _suggestedOrder.Value;

    /// <summary>Prepares an identification from one sequence.</summary>
    /// <param name="inputs">d×T: column t−1 is x_t.</param>
    /// <param name="targets">q×T: column t−1 is y_t.</param>
    /// <param name="options">The settings; the defaults where null.</param>
    /// <returns>The identification, of any order. Cost about 2·T·m² for the m = 5 to 250 unknowns of each of up to
    /// nine regressions: some 0.1 s for T = 1000, d = q = 1.</returns>
    /// <exception cref="ArgumentNullException">A matrix is null.</exception>
    /// <exception cref="ArgumentException">A matrix is empty, lengths differ, there are fewer than 3 steps, or a number
    /// is NaN or infinite.</exception>
    public static SubspaceIdentification Estimate(
        Matrix<double> inputs, Matrix<double> targets, SubspaceIdentificationOptions? options = null)
    {
        Guard.NotEmpty(inputs, "d×T", nameof(inputs));
        Guard.NotEmpty(targets, "q×T", nameof(targets));
        Guard.Shape(targets, targets.RowCount, inputs.ColumnCount, "q×T, as long as inputs", nameof(targets));
        Guard.Finite(inputs, nameof(inputs));
        Guard.Finite(targets, nameof(targets));
        return Estimate(SequenceBatch.Pack([inputs]), SequenceBatch.Pack([targets]), options);
    }

    /// <summary>Prepares an identification from several sequences of one system, which share all weights.</summary>
    /// <param name="inputs">B sequences of d rows.</param>
    /// <param name="targets">B sequences of q rows, as long as the inputs.</param>
    /// <param name="options">The settings; the defaults where null.</param>
    /// <returns>The identification, of any order. Cost as for one sequence of all steps together.</returns>
    /// <exception cref="ArgumentNullException">A batch is null.</exception>
    /// <exception cref="ArgumentException">Numbers or lengths of sequences differ, none has 3 steps, or a number is NaN
    /// or infinite.</exception>
    public static SubspaceIdentification Estimate(
        SequenceBatch inputs, SequenceBatch targets, SubspaceIdentificationOptions? options = null) =>
        Estimate(inputs, targets, options, CancellationToken.None);

    /// <inheritdoc cref="Estimate(SequenceBatch, SequenceBatch, SubspaceIdentificationOptions?)"/>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    internal static SubspaceIdentification Estimate(
        SequenceBatch inputs,
        SequenceBatch targets,
        SubspaceIdentificationOptions? options,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        options ??= new SubspaceIdentificationOptions();
        Guard.SameLengths(inputs.Lengths, targets.Lengths, "the inputs", "the targets", nameof(targets));
        inputs.RequireFinite(nameof(inputs));
        targets.RequireFinite(nameof(targets));
        if (inputs.Lengths.Max() < 3)
        {
            throw Guard.Error(
                nameof(inputs), $"expected a sequence of at least 3 steps, got {inputs.Lengths.Max()} at most.");
        }
        var data = new IdentificationData(inputs, targets);
        return new SubspaceIdentification(
            data, options, IdentificationSearch.Realizations(data, options.MaxOrder, cancellation));
    }

    /// <summary>The system of an order, with the initial state of one of the sequences.</summary>
    /// <param name="order">The order wanted, at least 1. The result has fewer states where the data show no more, or
    /// <see cref="SubspaceIdentificationOptions.MaxOrder"/> and their length do not allow more.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <returns>A stable system, D = C A⁻¹ B wherever A is invertible. Cost as for <see cref="Start"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The order is below 1, or there is no such sequence.</exception>
    public StateSpace ToStateSpace(int order, int sequence = 0)
    {
        Guard.AtLeastOne(order, nameof(order));
        Guard.Sequence(sequence, _data.Inputs.Length, nameof(sequence));
        FreeRunFit fit = Best(order)?.Fit ?? FreeRunFit.WithoutEffect(_data);
        return StateSpace.Of(fit.ToModel(_data), fit.InitialStates.Column(sequence));
    }

    /// <summary>A network to start training from.</summary>
    /// <param name="hiddenSize">h, at least 1, kept exactly. Where the data show fewer modes, or
    /// <see cref="SubspaceIdentificationOptions.MaxOrder"/> and their length do not allow more, the other units take
    /// inputs in, at random from a fixed seed, but no output sees them: training can use them, and until then they
    /// change nothing.</param>
    /// <returns>The network, of spectral radius below 1, and the h_0 of each sequence, h×B: zero where the options say
    /// so. Cost about 2·T·q·(h(d + 1))² for each regression and horizon tried, up to eighteen.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="hiddenSize"/> is below 1.</exception>
    public (LinearRnn Model, Matrix<double> InitialStates) Start(int hiddenSize)
    {
        Guard.AtLeastOne(hiddenSize, nameof(hiddenSize));
        FreeRunFit fit = (Best(hiddenSize)?.Fit ?? FreeRunFit.WithoutEffect(_data)).WithUnits(hiddenSize);
        return (fit.ToModel(_data), fit.InitialStates);
    }

    private (HankelRealization Realization, FreeRunFit Fit)? Best(int order)
    {
        (HankelRealization, FreeRunFit Fit)? best = null;
        foreach (HankelRealization realization in _realizations.Where(r => r.MaxOrder > 0))
        {
            var fit = FreeRunFit.Of(
                _data, realization, Math.Min(order, realization.MaxOrder), _options.EstimateInitialStates);
            if (fit is not null && (best is null || fit.MeanSquaredError < best.Value.Fit.MeanSquaredError))
            {
                best = (realization, fit);
            }
        }
        return best;
    }

    private int FindOrder()
    {
        int q = _data.OutputSize;
        double numbers = (double)_data.TotalLength * q;
        int own = _options.EstimateInitialStates ? _data.Inputs.Length : 0;
        int order = 1;
        double least = double.PositiveInfinity;
        for (int n = 1; n <= Math.Min(_options.MaxOrder, MaxSuggestion); n++)
        {
            double error = Math.Max(Best(n)?.Fit.MeanSquaredError ?? q, Rounding);
            double freedom = n * (_data.InputSize + q + own);
            double criterion = numbers * Math.Log(error) + 2.0 * freedom * Math.Log(numbers);
            if (criterion < least)
            {
                (order, least) = (n, criterion);
            }
            if (error == Rounding)
            {
                break;
            }
        }
        return order;
    }

    /// <summary>Of the realisation that fits best at a middling order.</summary>
    private Vector<double> FindSingularValues()
    {
        if (Best(Math.Min(_options.MaxOrder, 8)) is not (HankelRealization realization, _))
        {
            return Vector<double>.Build.Dense(0);
        }
        Vector<double> values = realization.SingularValues;
        return values.SubVector(0, Math.Min(values.Count - 1, _options.MaxOrder) + 1);
    }
}
