// A forward pass in single precision: the same formulas and the same machine on floats. Checks nothing.

using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.SinglePrecision;

/// <summary>h_0 … h_T and o_1 … o_T in single precision, from weights, inputs and h_0 rounded to it once.</summary>
internal sealed class SingleForward
{
    private SingleForward(ForwardRecord<float> record)
    {
        Record = record;
        States = new SingleStates(record.States);
    }

    /// <summary>The pass.</summary>
    public ForwardRecord<float> Record { get; }

    /// <summary>Its states, as they are read.</summary>
    public SingleStates States { get; }

    /// <summary>Runs the pass.</summary>
    /// <param name="weights">The model.</param>
    /// <param name="inputs">X, d×N.</param>
    /// <param name="initialStates">h_0, h×B in the order of the sequences; empty for zero.</param>
    /// <param name="plan">What is kept of the states.</param>
    /// <param name="outputs">Receives O, q×N, in double.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public static SingleForward Run(
        ParameterArray weights,
        PackedColumns inputs,
        ReadOnlySpan<double> initialStates,
        ForwardPlan plan,
        PackedColumns outputs,
        PassContext<float> context)
    {
        var rounded = ParameterArray<float>.ShapedLike(weights, context.Storage);
        VectorMath.Convert<double, float>(weights.Values, rounded.Values);
        PackedColumns<float> columns = context.Columns(inputs.Rows, inputs.Layout);
        Conversion.All(context, inputs, columns);
        var record = ForwardRecord<float>.Run(
            rounded, columns, Conversion.ToSingle(initialStates), plan, context);
        Conversion.All(context, record.Outputs, outputs);
        return new SingleForward(record);
    }
}
