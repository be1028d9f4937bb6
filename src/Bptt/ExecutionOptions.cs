// How a pass is carried out. Nothing here changes what is computed, beyond rounding.

using System.Diagnostics.CodeAnalysis;
using Bptt.Edge;
using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt;

/// <summary>How the recurrence s ← A s + u is run through the steps.</summary>
public enum Recurrence
{
    /// <summary>The engine chooses from the shapes, by a model of what steps and products cost, and takes
    /// <see cref="Lifted"/> only where W_hh allows it; never by a clock or the number of threads.</summary>
    Automatic,

    /// <summary>One step after the other: the least work, but every step waits for the one before.</summary>
    Sequential,

    /// <summary>In parallel over time, in chunks of S steps that are carried by W_hh^S (S is chosen from the shapes):
    /// at most twice the work of the recurrence, in matrix products. It agrees with <see cref="Sequential"/> to
    /// rounding, which can add up to a multiple of T√h units in the last place. Where the
    /// power overflows or a chunk does not end where its carry said, the engine runs step by step instead; so it does
    /// where there are too few steps.</summary>
    TimeParallel,

    /// <summary>S steps at once (S is chosen from the shapes), carried by W_hh^S; inside a chunk inputs act on outputs
    /// directly, through W_qh W_hh^k W_hx. A step costs about 6h²/S + 4hd + 6hq + 2Sdq operations in place of
    /// 6h² + 4hd + 6hq, which for few inputs and outputs hardly depends on h. Of the states only every S-th is kept;
    /// others are computed again when they are read. It agrees with <see cref="Sequential"/> to rounding, and is
    /// usually more exact. Where powers of W_hh grow far beyond what its eigenvalues ask for, where a number overflows,
    /// or where no sequence is long enough, the engine runs in another way: see
    /// <see cref="ForwardPass.Method"/>.</summary>
    Lifted,
}

/// <summary>The numbers that a pass computes with.</summary>
/// <example>
/// <code>
/// var single = ForwardPass.Run(model, inputs, options: new ExecutionOptions { Precision = Precision.Single });
/// Console.WriteLine($"{single.Precision}: o_1 = {single.Output(1)[0]:G6}");
/// </code>
/// </example>
[SuppressMessage("Naming", "CA1720", Justification = "Single and double precision are the terms of the field.")]
public enum Precision
{
    /// <summary>53 bits.</summary>
    Double,

    /// <summary>24 bits: half the memory, and up to twice the speed. Inputs, states, outputs and their gradients are
    /// held and computed in <c>float</c>, from weights that are rounded once a pass; losses and ∂ℓ/∂o are evaluated in
    /// double, and weight gradients are products in <c>float</c> over some hundreds of steps each, added up in double,
    /// so that their rounding does not grow with T. Everything is read through the same members. Entries of recursions
    /// below 1e-30 in magnitude become zero. Checks, derivatives of second order and methods that use them ask for
    /// <see cref="Double"/>.</summary>
    Single,
}

/// <summary>How passes are carried out: threads, method, memory. Immutable; results do not depend on
/// <see cref="MaxDegreeOfParallelism"/>, bit for bit.</summary>
public sealed record ExecutionOptions
{
    private readonly int _maxDegreeOfParallelism = -1;
    private readonly Recurrence _recurrence = Recurrence.Automatic;
    private readonly long? _memoryBudget;
    private readonly Precision _precision;

    /// <summary>The defaults.</summary>
    internal static ExecutionOptions Default { get; } = new();

    /// <summary>The most threads that a pass may use at once, the calling one included; −1, the default, stands for all
    /// processors. With 1 no other thread runs. Small problems stay on the calling thread in any case. The helping
    /// threads belong to the process; they sleep when there is nothing to do. An <see cref="Objective"/> of your own is
    /// called from several threads at once unless the value is 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is 0 or below −1.</exception>
    public int MaxDegreeOfParallelism
    {
        get => _maxDegreeOfParallelism;
        init => _maxDegreeOfParallelism = value is -1 or >= 1 ? value : throw Guard.Range(
            nameof(MaxDegreeOfParallelism), $"expected -1 (all processors) or at least 1, got {value}.");
    }

    /// <summary>How the recurrence is run.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the named ones.</exception>
    public Recurrence Recurrence
    {
        get => _recurrence;
        init => _recurrence = Enum.IsDefined(value) ? value : throw Guard.Range(
            nameof(Recurrence), $"expected Automatic, Sequential, TimeParallel or Lifted, got {value}.");
    }

    /// <summary>The numbers that the pass computes with.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the named ones.</exception>
    public Precision Precision
    {
        get => _precision;
        init => _precision = Enum.IsDefined(value) ? value : throw Guard.Range(
            nameof(Precision), $"expected Double or Single, got {value}.");
    }

    /// <summary>Bytes for the states and state gradients held at once; null, the default, keeps every h_t. With less
    /// than all of them would take, a pass keeps the states of some steps only and computes the others again where they
    /// are needed: see <see cref="ForwardPass.MemoryPlan"/>. Inputs, outputs and ∂L/∂o_t are not counted. A budget that
    /// is too small makes the pass throw <see cref="ArgumentException"/> with the smallest possible one, which grows
    /// with √T. So that passes in a row do not pile up, the runtime is made to collect what earlier ones left before
    /// more is taken, where that is at least 32 MiB and a quarter of the heap; never with a
    /// <see cref="Workspace"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is zero or negative.</exception>
    public long? MemoryBudget
    {
        get => _memoryBudget;
        init => _memoryBudget = value is null or > 0 ? value : throw Guard.Range(
            nameof(MemoryBudget), $"expected null or at least 1 byte, got {value}.");
    }

    /// <summary>The arithmetic; null for the process's choice. For tests of every kind of kernel in one
    /// process.</summary>
    internal KernelSet? Kernels { get; init; }

    /// <summary>How large the pieces of the work are.</summary>
    internal PlanTuning Tuning { get; init; } = PlanTuning.Default;

    /// <summary>What the engine reads of them; the rest is unpacked by the pass.</summary>
    internal PassSettings Settings => new(Kernels ?? KernelChoice.Default, MaxDegreeOfParallelism, Tuning);

    /// <summary>The same for passes in single precision.</summary>
    internal PassSettings<float> SingleSettings =>
        new(KernelChoice.InSingle(Kernels ?? KernelChoice.Default), MaxDegreeOfParallelism, Tuning);

    /// <summary>Memory to reuse; null, the default, takes fresh memory for each pass.</summary>
    public Workspace? Workspace { get; init; }
}
