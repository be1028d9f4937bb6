// How a forward pass is run: step by step, in parallel over time, several steps at once, or in single precision.

using Bptt.Edge;
using Bptt.Kernels;
using Bptt.Lifting;
using Bptt.LinearRecurrence;
using Bptt.Passes;
using Bptt.SinglePrecision;

namespace Bptt;

public sealed partial class ForwardPass
{
    /// <summary>Refuses a pass in single precision, where only double tells rounding from mistakes.</summary>
    /// <exception cref="ArgumentException">It is one.</exception>
    internal void RequireDouble(string name)
    {
        if (Single is not null)
        {
            throw Guard.Error(
                name, "expected a pass in double precision, got one in single: run it with Precision.Double.");
        }
    }

    private static ForwardPass Run(
        LinearRnn model, PassInputs inputs, ReadOnlySpan<double> initialStates, ExecutionOptions? options)
    {
        options ??= ExecutionOptions.Default;
        BatchLayout steps = inputs.Layout;
        var context = PassContext.BeginForward(
            options.Settings, options.Workspace?.Pool, readsCompute: options.MemoryBudget is not null);
        try
        {
            MemoryPlan plan = Plan(model, steps, options, context);
            context.TakeOver();
            LiftingChoice lifting = RecurrenceMethod.Lift(model, steps, options, plan, context);
            if ((lifting.Weights is not null || plan.Recomputes)
                && options is { Workspace: null, MemoryBudget: not null })
            {
                long outputs = (long)model.OutputSize * steps.ColumnCount;
                BudgetedMemory.Take(plan.HeldBytes + 2 * sizeof(double) * outputs); // o_t and ∂L/∂o_t
            }
            if (options.Precision == Precision.Single)
            {
                return new ForwardPass(
                    model, RunSingle(model, inputs, initialStates, lifting, plan, options, context), options);
            }
            PackedColumns columns = inputs.Doubles(context);
            RecordOfRun run = (lifting.Weights is LiftedWeights weights
                    ? RunLifted(weights, columns, initialStates, plan, context)
                    : null)
                ?? RunSteps(model, columns, initialStates, plan, lifting.WhyNotInTheEnd, context);
            return new ForwardPass(model, run, options);
        }
        finally
        {
            context.End();
        }
    }

    /// <summary>Step by step, or in parallel over time.</summary>
    private static RecordOfRun RunSteps(
        LinearRnn model,
        PackedColumns inputs,
        ReadOnlySpan<double> initialStates,
        MemoryPlan plan,
        string? whyNotLifted,
        PassContext context)
    {
        var windows = new ForwardPlan(plan.Windows, plan.ChunkLength, plan.KeepsCarries);
        var record = ForwardRecord.Run(model.Weights, inputs, initialStates, windows, context);
        return new RecordOfRun(record, plan, null, whyNotLifted);
    }

    /// <summary>Several steps at once.</summary>
    /// <returns>Null where a number overflows.</returns>
    private static RecordOfRun? RunLifted(
        LiftedWeights weights,
        PackedColumns inputs,
        ReadOnlySpan<double> initialStates,
        MemoryPlan plan,
        PassContext context)
    {
        MemoryPlan lifted = plan.ForLifted(weights.ChunkLength)!;
        PackedColumns outputs = context.Columns(weights.Model.OutputSize, inputs.Layout);
        var pass = LiftedForward.Run(weights, weights.Values, inputs, initialStates, outputs, context);
        if (pass is null)
        {
            context.FallBacks.Add("several steps at once, forward in time: step by step");
            return null;
        }
        context.ReadingComputes();
        var windows = new ForwardPlan(lifted.Windows, lifted.ChunkLength, KeepsCarries: false);
        var record = ForwardRecord.Of(
            weights.Model, new Lazy<PackedColumns>(inputs), outputs, windows, pass.Known, context);
        return new RecordOfRun(record, lifted, pass, null);
    }

    /// <summary>In single precision; states are read in double.</summary>
    private static RecordOfRun RunSingle(
        LinearRnn model,
        PassInputs inputs,
        ReadOnlySpan<double> initialStates,
        LiftingChoice lifting,
        MemoryPlan plan,
        ExecutionOptions options,
        PassContext context)
    {
        var singles = PassContext<float>.BeginForward(
            options.SingleSettings, options.Workspace?.SinglePool, readsCompute: options.MemoryBudget is not null);
        try
        {
            singles.TakeOver();
            PackedColumns outputs = context.Columns(model.OutputSize, inputs.Layout);
            Lazy<PackedColumns> given = inputs.WhenRead(context);
            SingleProblem problem = inputs.Singles is PackedColumns<float> columns
                ? SingleProblem.Rounded(model.Weights, columns, initialStates, singles)
                : SingleProblem.Rounded(model.Weights, given.Value, initialStates, singles);
            SingleForward? single = null;
            if (lifting.Weights is LiftedWeights weights && plan.ForLifted(weights.ChunkLength) is MemoryPlan lifted)
            {
                var windows = new ForwardPlan(lifted.Windows, lifted.ChunkLength, KeepsCarries: false);
                single = SingleForward.RunLifted(problem, weights, windows, outputs, singles);
                plan = single is null ? plan : lifted;
            }
            single ??= SingleForward.Run(
                problem, new ForwardPlan(plan.Windows, plan.ChunkLength, plan.KeepsCarries), outputs, singles);
            context.ReadingComputes();
            var reading = new ForwardPlan(plan.ForReading(), ChunkLength: 1, KeepsCarries: false);
            var record = ForwardRecord.Of(model.Weights, given, outputs, reading, single.States, context);
            record.States.Compute = (_, read) => single.States.Fill(read);
            return new RecordOfRun(
                record, plan, null, single.Lifted is null ? lifting.WhyNotInTheEnd : null, single);
        }
        finally
        {
            singles.End();
        }
    }

    private static MemoryPlan Plan(LinearRnn model, BatchLayout steps, ExecutionOptions options, PassContext context)
    {
        int h = model.HiddenSize;
        long? budget = options.MemoryBudget;
        int chunkLength = RecurrenceMethod.ChunkLengthFor(model, steps, options);
        return context.Plan(
            plan => plan.IsFor(budget, h, chunkLength, steps, options.Precision),
            () => new MemoryPlan(budget, h, chunkLength, steps, options.Precision));
    }

    /// <summary>What a run has left.</summary>
    private sealed record RecordOfRun(
        ForwardRecord Record,
        MemoryPlan Plan,
        LiftedForward? Lifted,
        string? WhyNotLifted,
        SingleForward? Single = null);

    /// <summary>X of a pass, d×N, from a matrix or a batch.</summary>
    /// <param name="Layout">The steps.</param>
    /// <param name="Doubles">Gives the columns, perhaps in memory of the pass.</param>
    /// <param name="Singles">The same in single precision, where they are held so.</param>
    private sealed record PassInputs(
        BatchLayout Layout, Func<PassContext, PackedColumns> Doubles, PackedColumns<float>? Singles = null)
    {
        /// <summary>The columns in double: there now, or when they are first read where they are held in single
        /// precision.</summary>
        public Lazy<PackedColumns> WhenRead(PassContext context) => Singles is null
            ? new Lazy<PackedColumns>(Doubles(context))
            : new Lazy<PackedColumns>(() => Doubles(context));
    }
}
