// How far a pass in single precision is from the same pass in double.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>Relative errors of a pass in single precision against the same pass in double: of each array the Frobenius
/// norm of the difference over that of the pass in double, 0 where both are zero.</summary>
/// <remarks>About 6e-8 times a small factor is what rounding of weights and inputs makes unavoidable. Errors grow where
/// states are forgotten slowly: the rounding of W_hh acts at every step, on everything that is remembered.</remarks>
/// <example>
/// <code>
/// // Is float good enough for this model and these data?
/// var options = new ExecutionOptions { Precision = Precision.Single };
/// var single = BackwardThroughTime.Run(ForwardPass.Run(model, inputs, options: options), objective);
/// var check = PrecisionCheck.Run(single);
/// Console.WriteLine($"outputs {check.OutputError:E0}, gradients {check.GradientError:E0}");
/// </code>
/// </example>
public sealed class PrecisionCheck
{
    private PrecisionCheck(BackwardThroughTime single, BackwardThroughTime exact)
    {
        OutputError = Error(single.Forward.OutputColumns, exact.Forward.OutputColumns);
        WhxError = Error(single.Gradients.Entries.Whx.Values, exact.Gradients.Entries.Whx.Values);
        WhhError = Error(single.Gradients.Entries.Whh.Values, exact.Gradients.Entries.Whh.Values);
        WqhError = Error(single.Gradients.Entries.Wqh.Values, exact.Gradients.Entries.Wqh.Values);
        InitialStateError = Error(
            single.InitialStateGradients.AsColumnMajorArray(), exact.InitialStateGradients.AsColumnMajorArray());
        LossError = single.Objective is null ? 0.0 : Error([single.Loss], [exact.Loss]);
    }

    /// <summary>Of o_1 … o_T of all sequences.</summary>
    public double OutputError { get; }

    /// <summary>Of L; 0 for a pass that was run from output gradients.</summary>
    public double LossError { get; }

    /// <summary>Of ∂L/∂W_hx.</summary>
    public double WhxError { get; }

    /// <summary>Of ∂L/∂W_hh.</summary>
    public double WhhError { get; }

    /// <summary>Of ∂L/∂W_qh.</summary>
    public double WqhError { get; }

    /// <summary>Of ∂L/∂h_0 of all sequences.</summary>
    public double InitialStateError { get; }

    /// <summary>The largest of the errors of the weight gradients.</summary>
    public double GradientError => Math.Max(WhxError, Math.Max(WhhError, WqhError));

    /// <summary>Runs the passes again in double, on the calling thread, from the same weights and inputs and from h_0
    /// as the pass has it, and compares. Cost of one forward and one backward pass in double.</summary>
    /// <param name="backward">The pass, in single precision.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">The pass is in double precision.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static PrecisionCheck Run(BackwardThroughTime backward)
    {
        ArgumentNullException.ThrowIfNull(backward);
        ForwardPass forward = backward.Forward;
        if (forward.Precision != Precision.Single)
        {
            throw Guard.Error(nameof(backward), "expected a pass in single precision, got one in double.");
        }
        Matrix<double> initialStates = forward.InitialStates;
        ForwardPass exact = forward.Rerun(
            forward.Model, initialStates.AsColumnMajorArray(), forward.InputColumns);
        BackwardOptions options = backward.Options;
        return new PrecisionCheck(
            backward,
            backward.Objective is Objective objective
                ? BackwardThroughTime.Run(exact, objective, options)
                : BackwardThroughTime.Run(exact, SequenceBatch.CopyOf(backward.OutputGradientColumns), options));
    }

    /// <summary>All of them.</summary>
    public override string ToString() =>
        $"outputs {OutputError:E1}, loss {LossError:E1}, W_hx {WhxError:E1}, W_hh {WhhError:E1}, W_qh {WqhError:E1}, "
        + $"h_0 {InitialStateError:E1}";

    private static double Error(PackedColumns actual, PackedColumns expected) =>
        Error(actual.All.Values, expected.All.Values);

    private static double Error(ReadOnlySpan<double> actual, ReadOnlySpan<double> expected)
    {
        double[] difference = actual.ToArray();
        VectorMath.AddScaled(-1.0, expected, difference);
        double distance = VectorMath.Norm(difference);
        return distance == 0.0 ? 0.0 : distance / VectorMath.Norm(expected);
    }
}
