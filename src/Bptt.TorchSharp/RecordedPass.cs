// One forward pass of the engine on tensors, kept until torch asks for its gradients. Knows no autograd: what torch
// calls is PassNode.
//
//   T  steps      B  sequences      d  inputs      h  hidden units      q  outputs

using System.Diagnostics.CodeAnalysis;
using MathNet.Numerics.LinearAlgebra;
using static TorchSharp.torch;

namespace Bptt.TorchSharp;

/// <summary>The tensors of a pass that may have a gradient, in the order in which they are kept.</summary>
internal enum Place
{
    Inputs,
    Whx,
    Whh,
    Wqh,
    InitialStates,
}

/// <summary>
/// A forward pass that holds copies of its weights and inputs, so that changes in place between forward and backward do
/// not falsify a gradient. It borrows a workspace from its memory until the backward pass is over; where it is asked
/// for gradients once more and the workspace has served another pass meanwhile, it runs forward again.
/// </summary>
internal sealed class RecordedPass
{
    private readonly LinearRnn _model;
    private readonly SequenceBatch _inputs;
    private readonly Matrix<double>? _initialStates;
    private readonly LinearRnnOptions _options;
    private ForwardPass _forward;
    private PassMemory.Lease _lease;
    private long _leaseNumber;
    private bool _holdsLease;

    /// <summary>Runs forward.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="tensors">By place.</param>
    /// <param name="options">How to carry it out.</param>
    /// <param name="memory">Lends the workspace.</param>
    /// <exception cref="ArgumentException">A number is NaN or infinite, or the memory budget is too small.</exception>
    public RecordedPass(PassShape shape, Tensor?[] tensors, LinearRnnOptions options, PassMemory memory)
    {
        Shape = shape;
        Memory = memory;
        _options = options;
        _model = TensorMemory.Model(Dense(Place.Whx)!, Dense(Place.Whh)!, Dense(Place.Wqh)!);
        _inputs = TensorMemory.Batch(Dense(Place.Inputs)!, shape, shape.InputSize);
        _initialStates = Dense(Place.InitialStates) is Tensor states ? TensorMemory.States(states) : null;
        RunForward();

        Tensor? Dense(Place place) => tensors[(int)place] is Tensor tensor ? TensorMemory.Contiguous(tensor) : null;
    }

    public PassShape Shape { get; }

    public PassMemory Memory { get; }

    /// <summary>Whether gradients are truncated.</summary>
    public bool IsTruncated => _options.Truncation is not null;

    /// <summary>o_1 … o_T and h_T, fresh.</summary>
    public (Tensor Outputs, Tensor FinalStates) Results()
    {
        Tensor outputs = empty(Shape.Sizes(Shape.OutputSize), dtype: Shape.Type);
        Tensor finalStates = empty(Shape.Count, Shape.HiddenSize, dtype: Shape.Type);
        TensorMemory.WriteOutputs(_forward, outputs, Shape.Order);
        TensorMemory.WriteFinalStates(_forward, finalStates);
        return (outputs, finalStates);
    }

    /// <summary>Gives the workspace back: no gradients are wanted, or they have been computed.</summary>
    public void Release()
    {
        if (_holdsLease)
        {
            _holdsLease = false;
            Memory.Return(_lease);
        }
    }

    /// <summary>Runs backward.</summary>
    /// <param name="outputGradients">∂L/∂o_t, contiguous; null for zero.</param>
    /// <param name="finalStateGradients">What comes to h_T from beyond, contiguous; null for zero.</param>
    /// <param name="isWanted">Whether the gradient of a place is asked for.</param>
    /// <returns>The gradients by place, fresh; null where none is asked for.</returns>
    /// <exception cref="ArgumentException">A gradient is NaN or infinite.</exception>
    public Tensor?[] Backward(Tensor? outputGradients, Tensor? finalStateGradients, Func<Place, bool> isWanted)
    {
        _holdsLease = _holdsLease || Memory.TryTakeAgain(_lease, _leaseNumber);
        if (!_holdsLease)
        {
            RunForward();
        }
        try
        {
            return Gradients(
                TensorMemory.Backward(
                    _forward,
                    outputGradients ?? zeros(Shape.Sizes(Shape.OutputSize), dtype: Shape.Type),
                    finalStateGradients,
                    Shape.Order,
                    _options.Truncation),
                isWanted);
        }
        finally
        {
            Release();
        }
    }

    /// <summary>A tensor of the shape that a place has.</summary>
    public long[] Sizes(Place place) => place switch
    {
        Place.Inputs => Shape.Sizes(Shape.InputSize),
        Place.Whx => [Shape.HiddenSize, Shape.InputSize],
        Place.Whh => [Shape.HiddenSize, Shape.HiddenSize],
        Place.Wqh => [Shape.OutputSize, Shape.HiddenSize],
        _ => [Shape.Count, Shape.HiddenSize],
    };

    private Tensor?[] Gradients(BackwardThroughTime backward, Func<Place, bool> isWanted)
    {
        var gradients = new Tensor?[Enum.GetValues<Place>().Length];
        if (isWanted(Place.Whx) || isWanted(Place.Whh) || isWanted(Place.Wqh))
        {
            TensorMemory.WriteWeightGradients(backward, Fresh(Place.Whx), Fresh(Place.Whh), Fresh(Place.Wqh));
        }
        if (isWanted(Place.Inputs))
        {
            TensorMemory.WriteInputGradients(backward, Fresh(Place.Inputs), Shape.Order);
        }
        if (isWanted(Place.InitialStates))
        {
            TensorMemory.WriteInitialStateGradients(backward, Fresh(Place.InitialStates));
        }
        return gradients;

        Tensor Fresh(Place place) => gradients[(int)place] = empty(Sizes(place), dtype: Shape.Type);
    }

    [MemberNotNull(nameof(_forward), nameof(_lease))]
    private void RunForward()
    {
        _lease = Memory.Take();
        _leaseNumber = _lease.Number;
        _holdsLease = true;
        try
        {
            _forward = ForwardPass.Run(
                _model,
                _inputs,
                _initialStates,
                _options.Execution with
                {
                    Precision = Shape.Type == ScalarType.Float32 ? Precision.Single : Precision.Double,
                    Workspace = _lease.Workspace,
                });
        }
        catch
        {
            Release();
            throw;
        }
    }
}
