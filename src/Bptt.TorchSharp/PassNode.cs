// A pass as a node of torch's graph. It throws nothing: an exception that left backward would end the process with code
// 134, so what goes wrong there becomes NaN, and is told by the next call that may throw.

using TorchSharp;
using static TorchSharp.torch;

namespace Bptt.TorchSharp;

/// <summary>What torch calls. Its arguments are a <see cref="Call"/> and the tensors that have a gradient.</summary>
internal sealed class PassNode : autograd.MultiTensorFunction<PassNode>
{
    private const string Key = "call";

    /// <summary>What a backward pass returned: torch has its own references, and nobody else lets ours go.</summary>
    [ThreadStatic]
    private static List<Tensor?>? _returned;

    public override string Name => "LinearRnn";

    /// <summary>A pass that has been run, about to become a node.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="places">Those of the tensors that have a gradient, in order.</param>
    /// <param name="tensors">All tensors by place, for gradients of gradients.</param>
    /// <param name="results">o_1 … o_T and h_T.</param>
    internal sealed class Call(
        RecordedPass pass, Place[] places, Tensor?[] tensors, (Tensor Outputs, Tensor FinalStates) results)
    {
        private Tensor?[]? _tensors = tensors;
        private List<Tensor>? _results = [results.Outputs, results.FinalStates];

        public RecordedPass Pass { get; } = pass;

        public Place[] Places { get; } = places;

        /// <summary>What only the forward call needs; a node that kept it would keep tensors from being
        /// freed.</summary>
        public (List<Tensor?> Tensors, List<Tensor> Results) Take()
        {
            (List<Tensor?>, List<Tensor>) taken = ([.. _tensors!], _results!);
            (_tensors, _results) = (null, null);
            return taken;
        }
    }

    /// <summary>Makes the node.</summary>
    /// <returns>o_1 … o_T and h_T, with a gradient.</returns>
    public static (Tensor Outputs, Tensor FinalStates) Attach(Call call, Tensor?[] tensors)
    {
        object[] arguments = [call, .. call.Places.Select(place => tensors[(int)place]!)];
        List<Tensor> results = apply(arguments);
        return (results[0], results[1]);
    }

    /// <summary>Lets the tensors go that the last backward pass on this thread has returned.</summary>
    public static void DisposeReturned()
    {
        _returned?.ForEach(tensor => tensor?.Dispose());
        _returned = null;
    }

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (Call)vars[0];
        (List<Tensor?> tensors, List<Tensor> results) = call.Take();
        ctx.set_materialize_grads(false); // undefined gradients stay so: no zeros are made that nobody asked for
        ctx.save_data(Key, call);
        ctx.save_for_backward(tensors!);
        return results;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var call = (Call)ctx.get_data(Key);
        List<Tensor?> returned;
        try
        {
            DisposeReturned();
            returned = Backward(ctx, call, Defined(grad_outputs[0]), Defined(grad_outputs[1]));
        }
        catch (Exception fault)
        {
            call.Pass.Memory.Faults.Add(fault);
            returned = NotANumber(call);
        }
        grad_outputs.ForEach(tensor => tensor.Dispose());
        _returned = returned;
        return returned!;
    }

    private static List<Tensor?> Backward(
        autograd.AutogradContext ctx, Call call, Tensor? outputGradients, Tensor? finalStateGradients)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor?[] gradients;
        if (is_grad_enabled())
        {
            gradients = DifferentiablePass.Gradients(
                call.Pass, [.. ctx.get_saved_variables()], call.Places, outputGradients, finalStateGradients);
            return Moved([null, .. call.Places.Select(place => gradients[(int)place])]);
        }
        outputGradients = outputGradients is null ? null : TensorMemory.Contiguous(outputGradients);
        finalStateGradients = finalStateGradients is null ? null : TensorMemory.Contiguous(finalStateGradients);
        try
        {
            gradients = call.Pass.Backward(outputGradients, finalStateGradients, call.Places.Contains);
        }
        catch (ArgumentException)
            when (!TensorMemory.IsFinite(outputGradients) || !TensorMemory.IsFinite(finalStateGradients))
        {
            return Moved(NotANumber(call)); // the engine refuses them; in torch they are no error
        }
        return Moved([null, .. call.Places.Select(place => gradients[(int)place])]);
    }

    private static Tensor? Defined(Tensor tensor) => tensor.IsInvalid ? null : tensor;

    private static List<Tensor?> Moved(List<Tensor?> tensors)
    {
        tensors.ForEach(tensor => tensor?.MoveToOuterDisposeScope());
        return tensors;
    }

    /// <summary>NaN for every gradient; none at all where there is no memory for it.</summary>
    private static List<Tensor?> NotANumber(Call call)
    {
        try
        {
            return [null, .. call.Places.Select(place => full(
                call.Pass.Sizes(place), double.NaN, dtype: call.Pass.Shape.Type))];
        }
        catch (Exception fault)
        {
            call.Pass.Memory.Faults.Add(fault);
            return [null, .. call.Places.Select(_ => (Tensor?)null)];
        }
    }
}
