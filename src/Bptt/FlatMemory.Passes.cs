// What a pass takes and gives, from and to flat memory of the caller's.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      T  steps of the longest

using System.Numerics;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

public static partial class FlatMemory
{
    /// <summary>Runs a forward pass on a flat tensor.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">B·T·d numbers. Copied.</param>
    /// <param name="count">B.</param>
    /// <param name="steps">T.</param>
    /// <param name="order">The order of the axes.</param>
    /// <param name="initialStates">h_0, B·h numbers, one sequence after the other; empty for zero.</param>
    /// <param name="options">How to carry it out; the defaults where null.</param>
    /// <returns>The record of the pass. Cost as <see cref="ForwardPass"/>, and B·T·d to copy.</returns>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1.</exception>
    /// <exception cref="ArgumentException">There are not as many numbers, or one is NaN or infinite.</exception>
    /// <exception cref="InvalidOperationException">The workspace is in use by another pass.</exception>
    public static ForwardPass Forward(
        this LinearRnn model,
        ReadOnlySpan<double> inputs,
        int count,
        int steps,
        TensorOrder order = TensorOrder.BatchTimeFeature,
        ReadOnlySpan<double> initialStates = default,
        ExecutionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        var batch = SequenceBatch.FromTensor(inputs, count, steps, model.InputSize, order);
        return ForwardPass.Run(
            model, batch, States(initialStates, model.HiddenSize, count, nameof(initialStates)), options);
    }

    /// <inheritdoc cref="Forward(LinearRnn, ReadOnlySpan{double}, int, int, TensorOrder, ReadOnlySpan{double},
    /// ExecutionOptions)"/>
    public static ForwardPass Forward(
        this LinearRnn model,
        ReadOnlySpan<float> inputs,
        int count,
        int steps,
        TensorOrder order = TensorOrder.BatchTimeFeature,
        ReadOnlySpan<float> initialStates = default,
        ExecutionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        var batch = SequenceBatch.FromTensor(inputs, count, steps, model.InputSize, order);
        return ForwardPass.Run(
            model, batch, States(initialStates, model.HiddenSize, count, nameof(initialStates)), options);
    }

    /// <summary>Runs a backward pass from ∂L/∂o_t in a flat tensor, where the loss lies in other code.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="outputGradients">B·T·q numbers, any factor 1/T included; what stands beyond the end of a sequence
    /// is not read. Copied.</param>
    /// <param name="order">The order of the axes.</param>
    /// <param name="finalStateGradients">What comes to h_T from beyond the last step, B·h numbers, one sequence after
    /// the other; empty for zero.</param>
    /// <param name="truncation">How far gradients travel back in time; null for all the way.</param>
    /// <returns>The record of the pass, without a loss. Cost as <see cref="BackwardThroughTime"/>, and B·T·q to
    /// copy.</returns>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">There are not as many numbers, or one is NaN or infinite.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the forward pass serves a newer one, or is in
    /// use.</exception>
    public static BackwardThroughTime Backward(
        this ForwardPass forward,
        ReadOnlySpan<double> outputGradients,
        TensorOrder order = TensorOrder.BatchTimeFeature,
        ReadOnlySpan<double> finalStateGradients = default,
        Truncation? truncation = null) =>
        RunBackward(forward, outputGradients, order, finalStateGradients, truncation);

    /// <inheritdoc
    /// cref="Backward(ForwardPass, ReadOnlySpan{double}, TensorOrder, ReadOnlySpan{double}, Truncation)"/>
    public static BackwardThroughTime Backward(
        this ForwardPass forward,
        ReadOnlySpan<float> outputGradients,
        TensorOrder order = TensorOrder.BatchTimeFeature,
        ReadOnlySpan<float> finalStateGradients = default,
        Truncation? truncation = null) =>
        RunBackward(forward, outputGradients, order, finalStateGradients, truncation);

    /// <summary>Writes h_T of every sequence, one after the other.</summary>
    /// <param name="forward">The pass.</param>
    /// <param name="target">Receives B·h numbers.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">The target has another length.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static void CopyFinalStatesTo(this ForwardPass forward, Span<double> target)
    {
        ArgumentNullException.ThrowIfNull(forward);
        Write(forward.FinalStates, target);
    }

    /// <inheritdoc cref="CopyFinalStatesTo(ForwardPass, Span{double})"/>
    public static void CopyFinalStatesTo(this ForwardPass forward, Span<float> target)
    {
        ArgumentNullException.ThrowIfNull(forward);
        Write(forward.FinalStates, target);
    }

    /// <summary>Writes ∂L/∂h_0 of every sequence, one after the other.</summary>
    /// <param name="backward">The pass.</param>
    /// <param name="target">Receives B·h numbers.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">The target has another length.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static void CopyInitialStateGradientsTo(this BackwardThroughTime backward, Span<double> target)
    {
        ArgumentNullException.ThrowIfNull(backward);
        Write(backward.InitialStateGradients, target);
    }

    /// <inheritdoc cref="CopyInitialStateGradientsTo(BackwardThroughTime, Span{double})"/>
    public static void CopyInitialStateGradientsTo(this BackwardThroughTime backward, Span<float> target)
    {
        ArgumentNullException.ThrowIfNull(backward);
        Write(backward.InitialStateGradients, target);
    }

    /// <summary>Writes o_1 … o_T of every sequence.</summary>
    /// <param name="forward">The pass.</param>
    /// <param name="target">Receives B·T·q numbers.</param>
    /// <param name="order">The order of the axes.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">The target has another length.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static void CopyOutputsTo(
        this ForwardPass forward, Span<double> target, TensorOrder order = TensorOrder.BatchTimeFeature)
    {
        ArgumentNullException.ThrowIfNull(forward);
        Write(forward.Context, forward.OutputColumns, target, order);
    }

    /// <inheritdoc cref="CopyOutputsTo(ForwardPass, Span{double}, TensorOrder)"/>
    public static void CopyOutputsTo(
        this ForwardPass forward, Span<float> target, TensorOrder order = TensorOrder.BatchTimeFeature)
    {
        ArgumentNullException.ThrowIfNull(forward);
        Write(forward.Context, forward.OutputColumns, target, order);
    }

    /// <summary>Writes h_1 … h_T of every sequence.</summary>
    /// <param name="forward">The pass.</param>
    /// <param name="target">Receives B·T·h numbers.</param>
    /// <param name="order">The order of the axes.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">The target has another length.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static void CopyHiddenStatesTo(
        this ForwardPass forward, Span<double> target, TensorOrder order = TensorOrder.BatchTimeFeature)
    {
        ArgumentNullException.ThrowIfNull(forward);
        Write(forward, forward.Record.States, target, order);
    }

    /// <inheritdoc cref="CopyHiddenStatesTo(ForwardPass, Span{double}, TensorOrder)"/>
    public static void CopyHiddenStatesTo(
        this ForwardPass forward, Span<float> target, TensorOrder order = TensorOrder.BatchTimeFeature)
    {
        ArgumentNullException.ThrowIfNull(forward);
        Write(forward, forward.Record.States, target, order);
    }

    /// <summary>Writes ∂L/∂h_1 … ∂L/∂h_T of every sequence.</summary>
    /// <param name="backward">The pass.</param>
    /// <param name="target">Receives B·T·h numbers.</param>
    /// <param name="order">The order of the axes.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">The target has another length.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static void CopyHiddenStateGradientsTo(
        this BackwardThroughTime backward, Span<double> target, TensorOrder order = TensorOrder.BatchTimeFeature)
    {
        ArgumentNullException.ThrowIfNull(backward);
        Write(backward.Forward, backward.Record.StateGradients, target, order);
    }

    /// <inheritdoc cref="CopyHiddenStateGradientsTo(BackwardThroughTime, Span{double}, TensorOrder)"/>
    public static void CopyHiddenStateGradientsTo(
        this BackwardThroughTime backward, Span<float> target, TensorOrder order = TensorOrder.BatchTimeFeature)
    {
        ArgumentNullException.ThrowIfNull(backward);
        Write(backward.Forward, backward.Record.StateGradients, target, order);
    }

    /// <summary>Writes ∂L/∂x_1 … ∂L/∂x_T of every sequence.</summary>
    /// <param name="backward">The pass.</param>
    /// <param name="target">Receives B·T·d numbers.</param>
    /// <param name="order">The order of the axes.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">The target has another length.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static void CopyInputGradientsTo(
        this BackwardThroughTime backward, Span<double> target, TensorOrder order = TensorOrder.BatchTimeFeature)
    {
        ArgumentNullException.ThrowIfNull(backward);
        WriteInputGradients(backward, target, order);
    }

    /// <inheritdoc cref="CopyInputGradientsTo(BackwardThroughTime, Span{double}, TensorOrder)"/>
    public static void CopyInputGradientsTo(
        this BackwardThroughTime backward, Span<float> target, TensorOrder order = TensorOrder.BatchTimeFeature)
    {
        ArgumentNullException.ThrowIfNull(backward);
        WriteInputGradients(backward, target, order);
    }

    private static void Write<TReal>(
        ForwardPass forward, Trajectory columns, Span<TReal> target, TensorOrder order)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        Guard.Defined(order, nameof(order));
        BatchLayout steps = forward.Layout;
        RequireLength(target.Length, (long)columns.Rows * steps.SequenceCount * steps.LastStep, nameof(target));
        var values = new TReal[target.Length];
        forward.Context.Read(() =>
        {
            foreach (int window in columns.WindowsFromHeld())
            {
                columns.Read(window, held => TensorCopy.FromColumns<double, TReal>(
                    held, steps.LastStep, order == TensorOrder.TimeBatchFeature, values));
            }
        });
        values.CopyTo(target);
    }

    private static void Write<TReal>(Matrix<double> columns, Span<TReal> target)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        ReadOnlySpan<double> values = columns.AsColumnMajorArray();
        RequireLength(target.Length, values.Length, nameof(target));
        VectorMath.Convert(values, target);
    }

    /// <summary>Writes columns of every step.</summary>
    private static void Write<TFrom, TReal>(
        PassContext context, PackedColumns<TFrom> columns, Span<TReal> target, TensorOrder order)
        where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        Guard.Defined(order, nameof(order));
        BatchLayout steps = columns.Layout;
        RequireLength(target.Length, (long)columns.Rows * steps.SequenceCount * steps.LastStep, nameof(target));
        if (steps.ColumnCount < (long)steps.SequenceCount * steps.LastStep)
        {
            target.Clear();
        }
        context.Read(target, values => TensorCopy.FromColumns(
            columns, steps.LastStep, order == TensorOrder.TimeBatchFeature, values));
    }

    private static void WriteInputGradients<TReal>(BackwardThroughTime backward, Span<TReal> target, TensorOrder order)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        ForwardPass forward = backward.Forward;
        if (backward.SingleInputs is IInputGradients<float> singles)
        {
            PackedColumns<float> columns =
                PassContext<float>.FreshColumns(forward.Model.InputSize, forward.Layout);
            forward.Context.Read(() => singles.WriteInputGradients(columns));
            Write(forward.Context, columns, target, order);
        }
        else
        {
            PackedColumns columns = backward.InputGradientBatch().Columns;
            Write(forward.Context, columns, target, order);
        }
    }

    private static BackwardThroughTime RunBackward<TReal>(
        ForwardPass forward,
        ReadOnlySpan<TReal> outputGradients,
        TensorOrder order,
        ReadOnlySpan<TReal> finalStateGradients,
        Truncation? truncation)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        ArgumentNullException.ThrowIfNull(forward);
        Guard.Defined(order, nameof(order));
        (int q, BatchLayout steps) = (forward.Model.OutputSize, forward.Layout);
        RequireLength(
            outputGradients.Length, (long)q * steps.SequenceCount * steps.LastStep, nameof(outputGradients));
        var options = new BackwardOptions
        {
            FinalStateGradients = States(
                finalStateGradients, forward.Model.HiddenSize, forward.SequenceCount, nameof(finalStateGradients)),
            Truncation = truncation,
        };
        return BackwardThroughTime.Run(
            forward,
            outputGradients,
            (values, columns) =>
            {
                TensorCopy.ToColumns(values, steps.LastStep, order == TensorOrder.TimeBatchFeature, columns);
                Guard.Finite(columns, nameof(outputGradients));
            },
            options);
    }

    /// <summary>h×B from B·h numbers; null from none.</summary>
    private static Matrix<double>? States<TReal>(ReadOnlySpan<TReal> values, int rows, int count, string name)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        if (values.IsEmpty)
        {
            return null;
        }
        RequireLength(values.Length, (long)rows * count, name);
        return FromFlat(values, rows, MatrixOrder.ColumnMajor);
    }
}
