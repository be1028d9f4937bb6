// A run of recurrence steps inside one array of columns, as data.

namespace Bptt.Kernels;

/// <summary>
/// Steps s_j ← A s_{j−1} + s_j, j = 1 … <see cref="Steps"/>, each on <see cref="Count"/> columns at once. Column i of
/// s_j is column <see cref="First"/> + i·<see cref="Spacing"/> + j·<see cref="StepDistance"/> of the array.
/// </summary>
/// <param name="First">The first column of s_0.</param>
/// <param name="Count">Columns carried together.</param>
/// <param name="Spacing">From one of them to the next.</param>
/// <param name="StepDistance">From a column to the same one a step later; negative where the recurrence runs
/// backward.</param>
/// <param name="Steps">Steps.</param>
internal readonly record struct StepRun(int First, int Count, int Spacing, int StepDistance, int Steps);
