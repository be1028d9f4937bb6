// Back-propagation through time by plain loops, with one classic mistake at a time. What the checks are tried on.
//
//   d  inputs      h  hidden units      q = h outputs, so that W_qh can be left untransposed      B  sequences

using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

/// <summary>A mistake, in the order of the derivation.</summary>
internal enum Mistake
{
    None,
    SignOfTheLoss,
    MeanMissing,
    MeanTwice,
    OutputGradientOfTheNextStep,
    OutputWeightsNotTransposed,
    RecurrentWeightsNotTransposed,
    RecurrentWeightsTwice,
    RecursionDropped,
    RecursionOneStepShort,
    LastStepMissing,
    FinalStateGradientForgotten,
    StateForPreviousState,
    PreviousStateForState,
    InputOfThePreviousStep,
    InitialStateDropped,
    RecurrentGradientTransposed,
    SequencesMixedUp,
}

/// <summary>What somebody's program computed.</summary>
/// <param name="OutputGradients">∂L/∂o_t, as that program believes them to be.</param>
/// <param name="Gradients">Of the weights.</param>
/// <param name="InitialStates">∂L/∂h_0, h×B.</param>
/// <param name="Inputs">∂L/∂x_t.</param>
internal sealed record ProgramGradients(
    SequenceBatch OutputGradients, Gradients Gradients, Matrix<double> InitialStates, SequenceBatch Inputs);

internal static class Mistakes
{
    /// <summary>All but none.</summary>
    public static IEnumerable<Mistake> All => Enum.GetValues<Mistake>().Where(m => m != Mistake.None);

    /// <summary>As a table names it.</summary>
    public static string Text(this Mistake mistake) => mistake switch
    {
        Mistake.None => "none",
        Mistake.SignOfTheLoss => "sign of ∂ℓ/∂o_t",
        Mistake.MeanMissing => "1/T missing",
        Mistake.MeanTwice => "1/T twice",
        Mistake.OutputGradientOfTheNextStep => "∂L/∂o_t of the wrong step in the recursion",
        Mistake.OutputWeightsNotTransposed => "W_qh not transposed",
        Mistake.RecurrentWeightsNotTransposed => "W_hh not transposed",
        Mistake.RecurrentWeightsTwice => "W_hhᵀ applied twice a step",
        Mistake.RecursionDropped => "recursion dropped",
        Mistake.RecursionOneStepShort => "recursion one step short",
        Mistake.LastStepMissing => "last step's term missing",
        Mistake.FinalStateGradientForgotten => "given ∂L/∂h_T forgotten",
        Mistake.StateForPreviousState => "h_t for h_{t−1} in ∂L/∂W_hh",
        Mistake.PreviousStateForState => "h_{t−1} for h_t in ∂L/∂W_qh",
        Mistake.InputOfThePreviousStep => "x_{t−1} for x_t in ∂L/∂W_hx",
        Mistake.InitialStateDropped => "h_0 dropped from ∂L/∂W_hh",
        Mistake.RecurrentGradientTransposed => "∂L/∂W_hh transposed",
        Mistake.SequencesMixedUp => "sequences of a ragged batch mixed up",
        _ => throw new ArgumentOutOfRangeException(nameof(mistake)),
    };

    /// <summary>The gradients with one mistake, from the states and the right ∂L/∂o_t of a pass.</summary>
    /// <param name="backward">The pass.</param>
    /// <param name="inputs">x_t of each sequence, d×T_b.</param>
    /// <param name="mistake">The mistake.</param>
    public static ProgramGradients Gradients(BackwardThroughTime backward, Matrix<double>[] inputs, Mistake mistake)
    {
        ForwardPass forward = backward.Forward;
        LinearRnn model = forward.Model;
        int sequences = forward.SequenceCount;
        double steps = forward.Lengths.Sum();
        double factor = mistake switch
        {
            Mistake.SignOfTheLoss => -1.0,
            Mistake.MeanMissing => steps,
            Mistake.MeanTwice => 1.0 / steps,
            _ => 1.0,
        };
        Matrix<double> back = mistake switch
        {
            Mistake.RecurrentWeightsNotTransposed => model.Whh,
            Mistake.RecurrentWeightsTwice => model.Whh.Transpose() * model.Whh.Transpose(),
            Mistake.RecursionDropped => 0.0 * model.Whh,
            _ => model.Whh.Transpose(),
        };
        Matrix<double> fromOutput = mistake == Mistake.OutputWeightsNotTransposed ? model.Wqh : model.Wqh.Transpose();

        Matrix<double> whx = 0.0 * model.Whx;
        Matrix<double> whh = 0.0 * model.Whh;
        Matrix<double> wqh = 0.0 * model.Wqh;
        var initialStates = Matrix<double>.Build.Dense(model.HiddenSize, sequences);
        var inputGradients = new Matrix<double>[sequences];
        var outputGradients = new Matrix<double>[sequences];
        for (int b = 0; b < sequences; b++)
        {
            int length = forward.Lengths[b];
            outputGradients[b] = factor * backward.OutputGradients(b);
            Matrix<double> states = forward.HiddenStates(b);
            if (mistake == Mistake.SequencesMixedUp)
            {
                Matrix<double> other = forward.HiddenStates((b + 1) % sequences);
                states = Matrix<double>.Build.Dense(
                    states.RowCount, states.ColumnCount, (i, t) => other[i, Math.Min(t, other.ColumnCount - 1)]);
            }
            inputGradients[b] = Matrix<double>.Build.Dense(model.InputSize, length);
            Vector<double> later = backward.Options.FinalStateGradients is Matrix<double> final && mistake != Mistake.FinalStateGradientForgotten
                ? final.Column(b)
                : Vector<double>.Build.Dense(model.HiddenSize);
            for (int t = length; t >= 1; t--)
            {
                Vector<double> g = outputGradients[b].Column(t - 1);
                Vector<double> used =
                    mistake == Mistake.OutputGradientOfTheNextStep && t < length ? outputGradients[b].Column(t)
                    : mistake == Mistake.LastStepMissing && t == length ? 0.0 * g
                    : g;
                Vector<double> d = mistake == Mistake.RecursionOneStepShort && t == 1
                    ? fromOutput * used
                    : later + fromOutput * used;
                wqh += g.OuterProduct(states.Column(mistake == Mistake.PreviousStateForState ? t - 1 : t));
                whx += d.OuterProduct(inputs[b].Column(mistake == Mistake.InputOfThePreviousStep ? Math.Max(t - 2, 0) : t - 1));
                if (mistake != Mistake.InitialStateDropped || t > 1)
                {
                    whh += d.OuterProduct(states.Column(mistake == Mistake.StateForPreviousState ? t : t - 1));
                }
                inputGradients[b].SetColumn(t - 1, model.Whx.TransposeThisAndMultiply(d));
                later = back * d;
            }
            initialStates.SetColumn(b, later);
        }
        if (mistake == Mistake.RecurrentGradientTransposed)
        {
            whh = whh.Transpose();
        }
        return new(
            SequenceBatch.Pack(outputGradients),
            new Gradients(whx, whh, wqh),
            initialStates,
            SequenceBatch.Pack(inputGradients));
    }
}

/// <summary>The checks that a program's gradients can be given to.</summary>
internal static class Checks
{
    public static IReadOnlyList<string> Names { get; } =
        ["GradientCheck", "TaylorTest", "GradientCertificate", "AdjointTest", "ClosedForm"];

    /// <summary>The verdict of each check. The last three are given ∂L/∂o_t as the program believes them to be: they know no
    /// objective.</summary>
    /// <param name="right">A pass with the right gradients.</param>
    /// <param name="objective">L.</param>
    /// <param name="program">What is checked.</param>
    /// <param name="seed">Of samples and directions.</param>
    public static Verdict[] Run(BackwardThroughTime right, Objective objective, ProgramGradients program, int seed)
    {
        ForwardPass forward = right.Forward;
        BackwardOptions options = right.Options;
        return
        [
            GradientCheck.Run(
                forward,
                objective,
                program.Gradients,
                program.InitialStates,
                program.Inputs,
                new GradientCheckOptions { Backward = options, Seed = seed }).Verdict,
            TaylorTest.Run(forward, objective, program.Gradients, options, seed).Verdict,
            GradientCertificate.Run(
                forward, program.OutputGradients, program.Gradients, program.InitialStates, options).Verdict,
            AdjointTest.Run(
                forward,
                program.OutputGradients,
                program.Gradients,
                program.InitialStates,
                program.Inputs,
                options.FinalStateGradients,
                seed: seed).Verdict,
            CompareWithClosedForm(
                BackwardThroughTime.Run(forward, program.OutputGradients, options), program.Gradients),
        ];
    }

    private static Verdict CompareWithClosedForm(BackwardThroughTime backward, Gradients gradients)
    {
        Gradients closed = ClosedForm.Gradients(backward);
        double distance = closed.Add(-1.0 * gradients).GlobalNorm();
        return distance <= 1e-10 * closed.GlobalNorm() ? Verdict.Passed : Verdict.Failed;
    }
}
