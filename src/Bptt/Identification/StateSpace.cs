// The model as control engineers write it: A, B, C, D and the state at the first step. Simulation, poles, responses and
// energies; what is needed to go to a LinearRnn and back is in StateSpaceEmbedding, to smaller coordinates in
// BalancedCoordinates.
//
//   n  states      d  inputs      q  outputs      T  time steps

using Bptt.Diagnostics;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;
using Complex = System.Numerics.Complex;

namespace Bptt.Identification;

/// <summary>
/// The discrete-time linear state space system x_{t+1} = A x_t + B u_t, y_t = C x_t + D u_t for t = 1 … T, from x_1
/// (Ljung, <i>System Identification</i>, section 4.3). Every <see cref="LinearRnn"/> is one, by its states x_t =
/// h_{t−1}, and every one is a <see cref="LinearRnn"/> of n to n + min(d + 1, q) units, with the same outputs.
/// </summary>
/// <remarks>Immutable; may be used from many threads. Poles and Gramians are computed when first asked for.</remarks>
public sealed class StateSpace
{
    private readonly Matrix<double> _a;
    private readonly Matrix<double> _b;
    private readonly Matrix<double> _c;
    private readonly Matrix<double> _d;
    private readonly Vector<double> _initialState;
    private readonly Lazy<Spectrum> _spectrum;
    private readonly Lazy<Matrix<double>> _reachable;
    private readonly Lazy<Matrix<double>> _observable;

    /// <summary>Creates a system from its matrices, which are copied. Cost O((n + q)(n + d)).</summary>
    /// <param name="a">A, n×n: from one state to the next.</param>
    /// <param name="b">B, n×d: from the input to the next state.</param>
    /// <param name="c">C, q×n: from the state to the output.</param>
    /// <param name="d">D, q×d: from the input to the output at the same step.</param>
    /// <param name="initialState">x_1, length n; zero where null.</param>
    /// <exception cref="ArgumentNullException">A matrix is null.</exception>
    /// <exception cref="ArgumentException">A matrix is empty, shapes do not fit each other, or a number is NaN or
    /// infinite.</exception>
    public StateSpace(
        Matrix<double> a, Matrix<double> b, Matrix<double> c, Matrix<double> d, Vector<double>? initialState = null)
    {
        Guard.NotEmpty(a, "n×n", nameof(a));
        Guard.Shape(a, a.RowCount, a.RowCount, "n×n", nameof(a));
        Guard.NotEmpty(b, "n×d", nameof(b));
        Guard.Shape(b, a.RowCount, b.ColumnCount, "n×d", nameof(b));
        Guard.NotEmpty(c, "q×n", nameof(c));
        Guard.Shape(c, c.RowCount, a.RowCount, "q×n", nameof(c));
        Guard.Shape(d, c.RowCount, b.ColumnCount, "q×d", nameof(d));
        Guard.Finite(a, nameof(a));
        Guard.Finite(b, nameof(b));
        Guard.Finite(c, nameof(c));
        Guard.Finite(d, nameof(d));
        if (initialState is not null)
        {
            Guard.Length(initialState.Count, a.RowCount, "n", nameof(initialState));
            Guard.Finite(initialState.Entries(), nameof(initialState));
        }
        _a = Matrix<double>.Build.DenseOfMatrix(a);
        _b = Matrix<double>.Build.DenseOfMatrix(b);
        _c = Matrix<double>.Build.DenseOfMatrix(c);
        _d = Matrix<double>.Build.DenseOfMatrix(d);
        _initialState = initialState is null
            ? Vector<double>.Build.Dense(Order) : Vector<double>.Build.DenseOfVector(initialState);
        _spectrum = new(() => Spectrum.Of(new LinearRnn(_b, _a, _c)));
        _reachable = new(() => GramianFactor(_a, _b));
        _observable = new(() => GramianFactor(_a.Transpose(), _c.Transpose()));
    }

    /// <summary>n, the number of states.</summary>
    public int Order => _a.RowCount;

    /// <summary>d, the number of inputs.</summary>
    public int InputSize => _b.ColumnCount;

    /// <summary>q, the number of outputs.</summary>
    public int OutputSize => _c.RowCount;

    /// <summary>A, n×n. Every call makes an independent copy, at cost O(n²).</summary>
    public Matrix<double> A => _a.Clone();

    /// <summary>B, n×d. Every call makes an independent copy, at cost O(nd).</summary>
    public Matrix<double> B => _b.Clone();

    /// <summary>C, q×n. Every call makes an independent copy, at cost O(qn).</summary>
    public Matrix<double> C => _c.Clone();

    /// <summary>D, q×d. Every call makes an independent copy, at cost O(qd).</summary>
    public Matrix<double> D => _d.Clone();

    /// <summary>x_1, length n. Every call makes an independent copy, at cost O(n).</summary>
    public Vector<double> InitialState => _initialState.Clone();

    /// <summary>The n poles, the eigenvalues of A, by |λ| descending, conjugate pairs adjacent: each with its half-life
    /// and its period in steps. Cost about 25n³ at the first call.</summary>
    /// <exception cref="ArithmeticException">The iteration for the eigenvalues does not converge.</exception>
    public IReadOnlyList<SpectralMode> Poles => _spectrum.Value.Modes;

    /// <summary>ρ = max |λ| over the poles. Cost about 25n³ at the first call.</summary>
    /// <inheritdoc cref="Poles" path="/exception"/>
    public double SpectralRadius => _spectrum.Value.SpectralRadius;

    /// <summary>Whether every pole lies inside the unit circle, ρ &lt; 1: then every state fades without
    /// input.</summary>
    /// <inheritdoc cref="Poles" path="/exception"/>
    public bool IsStable => SpectralRadius < 1.0;

    /// <summary>D + C(I − A)⁻¹B, q×d, fresh: the outputs that constant inputs of 1 settle at. Cost O(n³).</summary>
    /// <inheritdoc cref="ControllabilityGramian" path="/exception"/>
    public Matrix<double> SteadyStateGain
    {
        get
        {
            RequireStable();
            return _d + _c * (Matrix<double>.Build.DenseIdentity(Order) - _a).Solve(_b);
        }
    }

    /// <summary>W_c = Σ_k Aᵏ B Bᵀ (Aᵀ)ᵏ, n×n, fresh: the solution of W_c = A W_c Aᵀ + B Bᵀ. xᵀ W_c⁻¹ x is the least
    /// energy of past inputs that brings the state from zero to x; singular where inputs cannot reach every state. Cost
    /// O(n²(n + d)) for each doubling of the number of terms, at the first call.</summary>
    /// <exception cref="InvalidOperationException">The system is not stable.</exception>
    /// <exception cref="ArithmeticException">A sum overflows, or an iteration does not converge.</exception>
    public Matrix<double> ControllabilityGramian => _reachable.Value.TransposeAndMultiply(_reachable.Value);

    /// <summary>W_o = Σ_k (Aᵀ)ᵏ Cᵀ C Aᵏ, n×n, fresh: the solution of W_o = Aᵀ W_o A + Cᵀ C. xᵀ W_o x is the energy of
    /// all outputs that follow the state x without input; singular where outputs do not see every state. Cost
    /// O(n²(n + q)) for each doubling of the number of terms, at the first call.</summary>
    /// <inheritdoc cref="ControllabilityGramian" path="/exception"/>
    public Matrix<double> ObservabilityGramian => _observable.Value.TransposeAndMultiply(_observable.Value);

    /// <summary>The n Hankel singular values √λ(W_c W_o), descending, fresh: how much each balanced state takes part in
    /// what goes from past inputs to outputs to come. Near zero: a state that inputs do not reach or outputs do not
    /// see, such as a wasted hidden unit. From the factors of the Gramians (Laub and others 1987), so that small ones
    /// keep their digits down to ε times the norms of the factors. Cost O(n³) after the Gramians.</summary>
    /// <inheritdoc cref="ControllabilityGramian" path="/exception"/>
    public Vector<double> HankelSingularValues =>
        new BalancedCoordinates(_reachable.Value, _observable.Value).Sigma(Order);

    /// <summary>The system of a network, by x_t = h_{t−1}: A = W_hh, B = W_hx, C = W_qh W_hh, D = W_qh W_hx, x_1 = h_0.
    /// Cost O(qh(h + d)).</summary>
    /// <param name="model">The network.</param>
    /// <param name="initialState">h_0, length h; zero where null.</param>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> is null.</exception>
    /// <exception cref="ArgumentException">The length does not fit, a number is NaN or infinite, or a product of
    /// weights overflows.</exception>
    public static StateSpace Of(LinearRnn model, Vector<double>? initialState = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Matrix<double> c = model.Wqh * model.Whh;
        Matrix<double> d = model.Wqh * model.Whx;
        return new StateSpace(model.Whh, model.Whx, c, d, initialState);
    }

    /// <summary>
    /// A network with the outputs of this system, to rounding, from the h_0 that belongs to it. Where [C D] = W_qh [A
    /// B] has a solution that does not lose digits, h = n: W_hh = A, W_hx = B, h_0 = x_1. Where it has none, units are
    /// added: one for each direction of the outputs that is left, which hold it at the same step (at most q), or one
    /// for each input, which hold it for a step (d, and one more where [A B] h_0 = x_1 has no solution), whichever are
    /// fewer.
    /// </summary>
    /// <returns>The network, and its h_0. Cost O((n + d)³) and that of an SVD.</returns>
    public (LinearRnn Model, Vector<double> InitialState) ToLinearRnn() =>
        StateSpaceEmbedding.Of(_a, _b, _c, _d, _initialState);

    /// <summary>The outputs y_1 … y_T from x_1. Cost 2·T·(n + q)(n + d) operations. Not finite where states
    /// overflow.</summary>
    /// <param name="inputs">d×T: column t−1 is u_t.</param>
    /// <returns>q×T, fresh: column t−1 is y_t.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="inputs"/> is null.</exception>
    /// <exception cref="ArgumentException">The shape does not fit, or an input is NaN or infinite.</exception>
    public Matrix<double> Simulate(Matrix<double> inputs)
    {
        Guard.NotEmpty(inputs, "d×T", nameof(inputs));
        Guard.Shape(inputs, InputSize, inputs.ColumnCount, "d×T", nameof(inputs));
        Guard.Finite(inputs, nameof(inputs));
        Matrix<double> driven = _b * inputs;
        var states = Matrix<double>.Build.Dense(Order, inputs.ColumnCount);
        Vector<double> state = _initialState;
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            states.SetColumn(t, state);
            state = _a * state + driven.Column(t);
        }
        return _c * states + _d * inputs;
    }

    /// <summary>D + C(e^{iω}I − A)⁻¹B, q×d, fresh: what a sine of unit amplitude is multiplied by and, where the system
    /// is stable, shifted by. Cost O(n³).</summary>
    /// <param name="angle">ω in radians a step, 0 to π.</param>
    /// <returns>Infinite or NaN where e^{iω} is a pole.</returns>
    /// <exception cref="ArgumentException"><paramref name="angle"/> is not finite.</exception>
    public Matrix<Complex> FrequencyResponse(double angle)
    {
        Guard.Finite([angle], nameof(angle));
        var shift = Matrix<Complex>.Build.DenseDiagonal(Order, Complex.FromPolarCoordinates(1.0, angle));
        Matrix<Complex> states = (shift - _a.ToComplex()).Solve(_b.ToComplex());
        return _d.ToComplex() + _c.ToComplex() * states;
    }

    /// <summary>D, CB, CAB, CA²B, …: the outputs that follow an input of 1 at the first step alone, from the zero
    /// state; also called the Markov parameters. Cost O(n(n + q)d) for each.</summary>
    /// <param name="steps">How many, at least 1.</param>
    /// <returns>For each step q×d, fresh: row i, column j is output i after input j.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="steps"/> is below 1.</exception>
    public IReadOnlyList<Matrix<double>> ImpulseResponse(int steps)
    {
        Guard.AtLeastOne(steps, nameof(steps));
        var response = new Matrix<double>[steps];
        response[0] = _d.Clone();
        Matrix<double> states = _b;
        for (int t = 1; t < steps; t++)
        {
            response[t] = _c * states;
            states = _a * states;
        }
        return Array.AsReadOnly(response);
    }

    /// <summary>The outputs that follow an input of 1 at every step, from the zero state: the sums of
    /// <see cref="ImpulseResponse"/>. Cost O(n(n + q)d) for each.</summary>
    /// <param name="steps">How many, at least 1.</param>
    /// <returns>For each step q×d, fresh: row i, column j is output i after input j.</returns>
    /// <inheritdoc cref="ImpulseResponse" path="/exception"/>
    public IReadOnlyList<Matrix<double>> StepResponse(int steps)
    {
        IReadOnlyList<Matrix<double>> impulse = ImpulseResponse(steps);
        var response = new Matrix<double>[steps];
        response[0] = impulse[0];
        for (int t = 1; t < steps; t++)
        {
            response[t] = response[t - 1] + impulse[t];
        }
        return Array.AsReadOnly(response);
    }

    /// <summary>The same outputs from states that inputs reach as well as outputs see them: both Gramians are the same
    /// diagonal matrix (Moore 1981), x_1 counting as one more input. Well scaled for an optimiser to start from. States
    /// that no input reaches or no output sees are left out, so the order may be lower.</summary>
    /// <param name="tolerance">Below this, relative to the largest, a Hankel singular value counts as zero; above 0,
    /// below 1.</param>
    /// <returns>A system of at least one state. Cost O(n²(n + d + q)) for each doubling of the number of terms of the
    /// Gramians.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The tolerance is outside its range.</exception>
    /// <inheritdoc cref="ControllabilityGramian" path="/exception"/>
    public StateSpace Balance(double tolerance = 1e-12)
    {
        if (!(tolerance > 0.0 && tolerance < 1.0))
        {
            throw Guard.Range(
                nameof(tolerance), $"expected a number above 0 and below 1, got {NumberText.Exact(tolerance)}.");
        }
        return InBalancedCoordinates(Order, tolerance);
    }

    /// <summary>A smaller system with almost the same outputs, by balanced truncation: the states that least go from
    /// inputs to outputs are left out (Moore 1981; x_1 counts as one more input: Heinkenschloss, Reis and Antoulas
    /// 2011). Where x_1 is zero, the gain at any frequency changes by at most twice the sum of the Hankel singular
    /// values that are left out (Glover 1984).</summary>
    /// <param name="order">The largest order wanted, from 1 to n. The result has fewer states where fewer do.</param>
    /// <returns>A balanced system. Cost as for <see cref="Balance"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The order is outside its range.</exception>
    /// <inheritdoc cref="ControllabilityGramian" path="/exception"/>
    public StateSpace Reduce(int order)
    {
        if (order < 1 || order > Order)
        {
            throw Guard.Range(nameof(order), $"expected an order from 1 to {Order} (n), got {order}.");
        }
        return InBalancedCoordinates(order, 1e-12);
    }

    /// <summary>The sizes, for a debugger.</summary>
    public override string ToString() => $"StateSpace (n = {Order}, d = {InputSize}, q = {OutputSize})";

    private Matrix<double> GramianFactor(Matrix<double> a, Matrix<double> b)
    {
        RequireStable();
        return Gramian.Factor(a, b);
    }

    /// <summary>Refuses a system whose states do not fade.</summary>
    private void RequireStable()
    {
        if (!IsStable)
        {
            throw new InvalidOperationException(
                $"Expected a stable system, of spectral radius below 1, got {NumberText.Exact(SpectralRadius)}: "
                + "its Gramians and its steady state do not exist.");
        }
    }

    /// <summary>In balanced coordinates, of at most the order given, without the states below the tolerance; at least
    /// one state.</summary>
    private StateSpace InBalancedCoordinates(int order, double tolerance)
    {
        Matrix<double> reachable = _initialState.AbsoluteMaximum() == 0.0
            ? _reachable.Value
            : GramianFactor(_a, _b.Append(_initialState.ToColumnMatrix()));
        return new BalancedCoordinates(reachable, _observable.Value).Leading(order, tolerance) is var (from, to)
            ? new StateSpace(to * _a * from, to * _b, _c * from, _d, to * _initialState)
            : new StateSpace( // nothing goes from inputs to outputs but through D
                Matrix<double>.Build.Dense(1, 1),
                Matrix<double>.Build.Dense(1, InputSize),
                Matrix<double>.Build.Dense(OutputSize, 1),
                _d);
    }
}
