// A forward pass in single precision: the same formulas and the same machine on floats. Checks nothing.

using Bptt.Lifting;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.SinglePrecision;

/// <summary>A model, X and h_0, rounded once.</summary>
/// <param name="Weights">W_hx, W_hh and W_qh.</param>
/// <param name="Inputs">X, d×N.</param>
/// <param name="InitialStates">h_0, h×B in the order of the sequences; empty for zero.</param>
internal sealed record SingleProblem(
    ParameterArray<float> Weights, PackedColumns<float> Inputs, ReadOnlyMemory<float> InitialStates)
{
    /// <summary>Rounds a problem.</summary>
    /// <param name="weights">The model.</param>
    /// <param name="inputs">X, d×N.</param>
    /// <param name="initialStates">h_0, h×B in the order of the sequences; empty for zero.</param>
    /// <param name="context">Threads and memory.</param>
    public static SingleProblem Rounded(
        ParameterArray weights,
        PackedColumns inputs,
        ReadOnlySpan<double> initialStates,
        PassContext<float> context)
    {
        PackedColumns<float> columns = context.Columns(inputs.Rows, inputs.Layout);
        Conversion.All(context, inputs, columns);
        return Rounded(weights, columns, initialStates, context);
    }

    /// <inheritdoc cref="Rounded(ParameterArray, PackedColumns, ReadOnlySpan{double}, PassContext{float})"/>
    public static SingleProblem Rounded(
        ParameterArray weights,
        PackedColumns<float> inputs,
        ReadOnlySpan<double> initialStates,
        PassContext<float> context)
    {
        var rounded = ParameterArray<float>.ShapedLike(weights, context.Storage);
        VectorMath.Convert<double, float>(weights.Values, rounded.Values);
        return new SingleProblem(rounded, inputs, Conversion.ToSingle(initialStates));
    }
}

/// <summary>h_0 … h_T and o_1 … o_T in single precision.</summary>
internal sealed class SingleForward
{
    private SingleForward(ForwardRecord<float> record, LiftedForward<float>? lifted)
    {
        Record = record;
        Lifted = lifted;
        States = new SingleStates(record.States);
    }

    /// <summary>The pass.</summary>
    public ForwardRecord<float> Record { get; }

    /// <summary>Its chunks, where it took several steps at once; null where not.</summary>
    public LiftedForward<float>? Lifted { get; }

    /// <summary>Its states, as they are read.</summary>
    public SingleStates States { get; }

    /// <summary>Runs the pass step by step, or in parallel over time.</summary>
    /// <param name="problem">What it is run on.</param>
    /// <param name="plan">What is kept of the states.</param>
    /// <param name="outputs">Receives O, q×N, in double.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public static SingleForward Run(
        SingleProblem problem, ForwardPlan plan, PackedColumns outputs, PassContext<float> context)
    {
        var record = ForwardRecord<float>.Run(
            problem.Weights, problem.Inputs, problem.InitialStates.Span, plan, context);
        Conversion.All(context, record.Outputs, outputs);
        return new SingleForward(record, null);
    }

    /// <summary>Runs the pass several steps at once.</summary>
    /// <param name="problem">What it is run on.</param>
    /// <param name="weights">The lifted model.</param>
    /// <param name="plan">The windows in which states are read.</param>
    /// <param name="outputs">Receives O, q×N, in double.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    /// <returns>Null where a number overflows.</returns>
    public static SingleForward? RunLifted(
        SingleProblem problem,
        LiftedWeights weights,
        ForwardPlan plan,
        PackedColumns outputs,
        PassContext<float> context)
    {
        var model = LiftedModel<float>.Rounded(weights.Values, problem.Weights, context);
        PackedColumns<float> rounded = context.Columns(outputs.Rows, outputs.Layout);
        LiftedForward<float>? lifted = model.AreFinite
            ? LiftedForward<float>.Run(weights, model, problem.Inputs, problem.InitialStates.Span, rounded, context)
            : null;
        if (lifted is null)
        {
            return null;
        }
        context.ReadingComputes();
        Conversion.All(context, rounded, outputs);
        var inputs = new Lazy<PackedColumns<float>>(problem.Inputs);
        var record = ForwardRecord<float>.Of(problem.Weights, inputs, rounded, plan, lifted.Known, context);
        return new SingleForward(record, lifted);
    }
}
