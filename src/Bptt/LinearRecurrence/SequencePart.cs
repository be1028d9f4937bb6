// A run of steps of one sequence. Data only.

namespace Bptt.LinearRecurrence;

/// <summary>The steps FirstStep … FirstStep + Length − 1 of a sequence.</summary>
/// <param name="Sequence">The sequence, from 0.</param>
/// <param name="FirstStep">The first step, from 1.</param>
/// <param name="Length">The number of steps, at least 1.</param>
internal readonly record struct SequencePart(int Sequence, int FirstStep, int Length);
