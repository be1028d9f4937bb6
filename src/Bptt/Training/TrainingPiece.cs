// What one update of a training sees: some sequences, one window of their time. Data only.

using Bptt.LinearRecurrence;

namespace Bptt.Training;

/// <summary>One mini-batch in one window of time.</summary>
/// <param name="Parts">The steps, one part for each sequence that reaches the window.</param>
/// <param name="IsFirstWindow">Whether the sequences begin here.</param>
/// <param name="IsLastWindow">Whether no sequence of the mini-batch goes on.</param>
/// <param name="IsWhole">Whether these are all steps of all sequences, in their order.</param>
internal sealed record TrainingPiece(SequencePart[] Parts, bool IsFirstWindow, bool IsLastWindow, bool IsWhole);
