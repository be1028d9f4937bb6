// The tasks of a pass that compute its states: where the formulas u_t, A and o_t meet the recurrence s ← A s + u. Knows
// no formula.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>The tasks that compute the states of a window.</summary>
internal sealed class RecurrenceRun<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly KernelSet<TReal> _kernels;
    private readonly PassWindow<TReal> _window;
    private readonly RecurrencePlan _plan;
    private readonly IRecurrenceFormulas<TReal> _formulas;
    private readonly TransitionPower<TReal>? _power;
    private readonly TransitionMatrix<TReal> _transition;

    /// <param name="window">The steps.</param>
    /// <param name="plan">The blocks.</param>
    /// <param name="formulas">What is computed.</param>
    /// <param name="chunking">The power that carries a state over a chunk.</param>
    /// <param name="carries">Carries that are kept beyond this run; null for memory of this run alone.</param>
    public RecurrenceRun(
        PassWindow<TReal> window,
        RecurrencePlan plan,
        IRecurrenceFormulas<TReal> formulas,
        Chunking<TReal> chunking,
        Carries<TReal>? carries)
    {
        _kernels = window.Kernels;
        _window = window;
        _plan = plan;
        _formulas = formulas;
        _power = plan.ChunkLength > 1 ? chunking.Power : null;
        PackedColumns<TReal> states = formulas.States;
        PassContext<TReal> context = window.Context;
        Blocks = new BlockRecurrence<TReal>(
            _kernels,
            plan,
            states,
            formulas.Direction,
            window.Of(states).Offset,
            carries ?? new Carries<TReal>(context.Carries(states.Rows, plan), AreKnown: false))
        {
            IsCut = formulas.IsCut,
        };
        _transition = new TransitionMatrix<TReal>(
            _kernels, states.Rows, plan, states.Layout.SequenceCount, context.Storage);
    }

    /// <summary>s ← A s + u.</summary>
    public BlockRecurrence<TReal> Blocks { get; }

    /// <summary>Does one task.</summary>
    public void Run(PassTask task)
    {
        TimeBlock t = _plan.Blocks[task.Index].Moved(_window.FirstStep - 1, _window.ColumnsBefore);
        switch (task.Step)
        {
            case PassStep.Pack:
                _formulas.Pack();
                break;

            case PassStep.PackTransition:
                Blocks.Transition = _transition.Pack(_kernels, _formulas.Transition);
                if (_power is not null)
                {
                    Blocks.Power = _transition.PackPower(_kernels, _formulas.TransitionPower(_power));
                }
                break;

            case PassStep.Drive:
                _formulas.Drive(t);
                if (t.IsChunked)
                {
                    Blocks.Ends(t);
                }
                break;

            case PassStep.Recur:
                Blocks.Recur(t, BlockBefore(task.Index), task.Part);
                break;

            case PassStep.Fill:
                Blocks.Fill(t);
                break;

            case PassStep.Read:
                _formulas.Read(t);
                break;

            case PassStep.FillAndRead:
                Blocks.Fill(t);
                _formulas.Read(t);
                break;

            case PassStep.StepZero:
                _formulas.StepZero(Blocks);
                break;
        }
    }

    /// <summary>The block that leads to a block; null where it is the first one to be run.</summary>
    private TimeBlock? BlockBefore(int block)
    {
        int before = block + (_formulas.Direction == TimeDirection.Forward ? -1 : 1);
        return before >= 0 && before < _plan.Blocks.Count ? _plan.Blocks[before] : null;
    }
}
