// Compares gradients with derivatives of the loss. Uses the forward pass and the objective only, so it shares no code
// with the backward pass that it checks. What was found is plain data, never NaN.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>
/// A gradient check, and what it found. Where the loss is exactly quadratic in an entry (all but W_hh under the squared
/// error), central differences are exact at any step and a large one is taken. Elsewhere, and where differences drown
/// in rounding, the complex step is taken if the objective is given in complex numbers
/// (<see cref="Objective.IsAnalytic"/>), which those of this library are; otherwise differences are extrapolated to
/// step zero (Ridders 1982). Every derivative is estimated several times over, which tells how far it can be trusted; a
/// kink or a jump of the loss at the point, where there is no derivative, shows as well.
/// </summary>
/// <remarks>
/// <para>A parameter passes where both its relative error and the uncertainty are within the tolerance, in the
/// Frobenius norm; no absolute size passes anything. It fails where the error is clearly beyond both the tolerance and
/// the uncertainty, in that norm or in a single entry by its own size. Between the two it cannot be told. Random
/// directions are judged alike, by the size to be expected of ⟨gradient, v⟩.</para>
/// <para>Exceptions of an objective pass through unchanged. Entries are checked on several threads, as many as the pass
/// was allowed; under a memory budget one by one. The result does not depend on that. Memory: all states of the pass,
/// whatever its budget, and for each thread a forward pass; under a truncation of k lags runs of up to 65 536
/// steps.</para>
/// </remarks>
/// <example>
/// <code>
/// var check = GradientCheck.Run(forward, objective);
/// foreach (ParameterCheck parameter in check.Parameters)
/// {
///     CheckedEntry worst = parameter.Worst;
///     string way = worst.Method == DerivativeMethod.ComplexStep ? "complex step" : "differences";
///     Console.WriteLine($"{parameter.Parameter}: {parameter.Verdict}, off by {worst.Error:G2} at most ({way})");
/// }
/// foreach (DirectionCheck direction in check.Directions)
/// {
///     Console.WriteLine($"along a random direction: {direction.Verdict}");
/// }
/// </code>
/// </example>
public sealed class GradientCheck
{
    private GradientCheck(IReadOnlyList<ParameterCheck> parameters, IReadOnlyList<DirectionCheck> directions)
    {
        Parameters = parameters;
        Directions = directions;
    }

    /// <summary>W_hx, W_hh, W_qh, h_0, x and o; of gradients from elsewhere those that were given.</summary>
    public IReadOnlyList<ParameterCheck> Parameters { get; }

    /// <summary>The random directions: over all parameters but o, and over each parameter of which a sample was
    /// checked.</summary>
    public IReadOnlyList<DirectionCheck> Directions { get; }

    /// <summary>The worst verdict of any parameter and any direction.</summary>
    public Verdict Verdict => Parameters.Select(p => p.Verdict).Concat(Directions.Select(d => d.Verdict)).Max();

    /// <summary>The largest relative error of any parameter.</summary>
    public double RelativeError => Parameters.Max(p => p.RelativeError);

    /// <summary>Runs the backward pass and checks all that it computes: ∂L/∂W_hx, ∂L/∂W_hh, ∂L/∂W_qh, ∂L/∂h_0, ∂L/∂x_t
    /// of every step, and the objective's own ∂L/∂o_t against differences of that step's loss alone.</summary>
    /// <param name="forward">The pass at whose weights, inputs and h_0 the gradients are checked.</param>
    /// <param name="objective">L.</param>
    /// <param name="options">How thorough and strict; the defaults where null.</param>
    /// <param name="cancellationToken">Ends the check between two entries.</param>
    /// <returns>A verdict for each parameter and each random direction. Cost: one backward pass, and for each checked
    /// entry 3 passes of a complex step, 11 forward passes where the loss is quadratic, or 30 to 120 elsewhere (more
    /// where rounding gets in the way); k times that under a truncation of k lags. An entry of o costs one step's loss
    /// instead of a pass.</returns>
    /// <exception cref="ArgumentNullException">An argument that may not be null is.</exception>
    /// <exception cref="ArgumentException">The objective, gradients from elsewhere, or what
    /// <see cref="GradientCheckOptions.Backward"/> holds do not fit the pass, or hold NaN or infinities.</exception>
    /// <exception cref="ArithmeticException">A state, the loss or a gradient is NaN or infinite here.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one, or is in
    /// use.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static GradientCheck Run(
        ForwardPass forward,
        Objective objective,
        GradientCheckOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(forward);
        forward.RequireDouble(nameof(forward));
        ArgumentNullException.ThrowIfNull(objective);
        options ??= new GradientCheckOptions();
        RequireLoss(options.Backward?.Truncation);
        var backward = BackwardThroughTime.Run(forward, objective, options.Backward);
        SequenceBatch inputGradients = backward.InputGradientBatch();
        double[] initialStateGradients = backward.InitialStateGradients.ToColumnMajorArray();
        RequireFinite(
            forward,
            backward.Loss,
            backward.Gradients.IsFinite
                && inputGradients.IsFinite
                && VectorMath.FirstNonFinite(initialStateGradients) < 0);

        PackedColumns outputGradients = SequenceBatch.CopyOf(backward.OutputGradientColumns).Columns;
        return Of(
            new GradientCheckRun(forward, objective, options, cancellationToken),
            [
                .. Weights(backward.Gradients),
                (LossVariable.InitialStates, initialStateGradients),
                (LossVariable.Inputs, inputGradients.Columns.All.Values.ToArray()),
            ],
            outputGradients);
    }

    /// <summary>Checks gradients from elsewhere: of another program, of code of your own, or changed on the
    /// way.</summary>
    /// <param name="forward">The pass at whose weights, inputs and h_0 the gradients are checked.</param>
    /// <param name="objective">L.</param>
    /// <param name="gradients">∂L/∂W_hx, ∂L/∂W_hh and ∂L/∂W_qh.</param>
    /// <param name="initialStateGradients">∂L/∂h_0 of every sequence, h×B; not checked where null.</param>
    /// <param name="inputGradients">∂L/∂x_t: B sequences of d rows, as long as the inputs; not checked where
    /// null.</param>
    /// <param name="options">How thorough and strict, and what the gradients are claimed to belong to beyond the
    /// objective (<see cref="GradientCheckOptions.Backward"/>); the defaults where null.</param>
    /// <param name="cancellationToken">Ends the check between two entries.</param>
    /// <returns>A verdict for each parameter given and each random direction. Cost as of the other overload, without a
    /// backward pass.</returns>
    /// <inheritdoc cref="Run(ForwardPass, Objective, GradientCheckOptions?, CancellationToken)" path="/exception"/>
    public static GradientCheck Run(
        ForwardPass forward,
        Objective objective,
        Gradients gradients,
        Matrix<double>? initialStateGradients = null,
        SequenceBatch? inputGradients = null,
        GradientCheckOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(forward);
        forward.RequireDouble(nameof(forward));
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(gradients);
        options ??= new GradientCheckOptions();
        RequireLoss(options.Backward?.Truncation);
        GivenGradients.Check(forward, gradients, initialStateGradients, inputGradients);
        options = options with { Backward = options.Backward?.CopyFor(forward) };
        RequireFinite(forward, objective.Loss(forward), gradientIsFinite: true);

        List<(LossVariable, double[])> given = [.. Weights(gradients)];
        if (initialStateGradients is not null)
        {
            given.Add((LossVariable.InitialStates, initialStateGradients.ToColumnMajorArray()));
        }
        if (inputGradients is not null)
        {
            given.Add((LossVariable.Inputs, inputGradients.Columns.All.Values.ToArray()));
        }
        return Of(
            new GradientCheckRun(forward, objective, options, cancellationToken), [.. given], outputGradients: null);
    }

    /// <summary>The verdict, and a line for each parameter and direction.</summary>
    public override string ToString() => string.Join(
        '\n',
        Parameters.Select(p => p.ToString()).Concat(Directions.Select(d => d.ToString()))
            .Prepend($"gradient check: {Verdict.InWords()}"));

    private static GradientCheck Of(
        GradientCheckRun run, (LossVariable, double[])[] given, PackedColumns? outputGradients)
    {
        (List<ParameterCheck> parameters, List<DirectionCheck> directions) = run.Check(given, outputGradients);
        return new GradientCheck(parameters.AsReadOnly(), directions.AsReadOnly());
    }

    private static (LossVariable, double[])[] Weights(Gradients gradients) =>
    [
        (LossVariable.Whx, gradients.Entries.Whx.Values.ToArray()),
        (LossVariable.Whh, gradients.Entries.Whh.Values.ToArray()),
        (LossVariable.Wqh, gradients.Entries.Wqh.Values.ToArray()),
    ];

    /// <summary>Refuses random cuts: what they scale on the way back, no forward pass scales.</summary>
    private static void RequireLoss(Truncation? truncation)
    {
        if (truncation is { Kind: TruncationKind.Randomized })
        {
            throw Guard.Error(
                "options", $"expected no truncation, lags or windows, got {truncation}, which give the gradient of no "
                    + "loss that could be differenced.");
        }
    }

    private static void RequireFinite(ForwardPass forward, double loss, bool gradientIsFinite)
    {
        int? step = forward.FirstNonFiniteStep;
        if (!double.IsFinite(loss) || !gradientIsFinite || step is not null)
        {
            throw new ArithmeticException(
                $"The gradient check: expected finite states, loss and gradient, got loss {NumberText.Exact(loss)} and "
                + $"gradients {(gradientIsFinite ? "that are finite" : "with NaN or infinities")} (first non-finite "
                + $"state or output: {(step is null ? "none" : $"step {step}")}).");
        }
    }
}
