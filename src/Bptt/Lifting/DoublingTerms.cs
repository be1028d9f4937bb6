// The matrices between the weights of an RNN and those of the RNN that takes S steps at once; or their derivatives, or
// their gradients, which have the same shapes. Computes nothing.
//
//   d  inputs      h  hidden units      q  outputs      S  steps of a chunk, a power of two

namespace Bptt.Lifting;

/// <summary>P_j = W_hh^j W_hx (h×d), Q_i = W_qh W_hh^{i+1} (q×h), M_k = W_qh P_k (q×d) and W_hh^m for m = 1, 2, 4 … S,
/// with the weights that they begin with.</summary>
/// <param name="model">W_hx, W_hh and W_qh.</param>
/// <param name="lifted">C = [P_{S−1} … P_0], A = W_hh^S and O = [Q_0; …; Q_{S−1}].</param>
/// <param name="response">[M_{S−1} … M_0], q×dS.</param>
/// <param name="powers">W_hh^m, one behind the other.</param>
internal sealed class DoublingTerms(
    ParameterArray model, ParameterArray lifted, ArraySegment<double> response, ArraySegment<double> powers)
{
    /// <summary>W_hx, W_hh and W_qh.</summary>
    public ParameterArray Model => model;

    /// <summary>C, A and O in the places of W_hx, W_hh and W_qh.</summary>
    public ParameterArray Lifted => lifted;

    /// <summary>S.</summary>
    public int ChunkLength => lifted.InputSize / model.InputSize;

    public StoredMatrix Whx => Stored(model.Storage, model.HiddenSize, model.InputSize);

    public StoredMatrix Whh =>
        Stored(model.Storage[(model.HiddenSize * model.InputSize)..], model.HiddenSize, model.HiddenSize);

    public StoredMatrix Wqh => Stored(
        model.Storage[(model.HiddenSize * (model.InputSize + model.HiddenSize))..],
        model.OutputSize,
        model.HiddenSize);

    /// <summary>C, h×dS.</summary>
    public StoredMatrix C => Stored(lifted.Storage, lifted.HiddenSize, lifted.InputSize);

    /// <summary>A, h×h.</summary>
    public StoredMatrix A => Stored(
        lifted.Storage[(lifted.HiddenSize * lifted.InputSize)..], lifted.HiddenSize, lifted.HiddenSize);

    /// <summary>[M_{S−1} … M_0], q×dS: what outputs answer to an input, S − 1 steps later first.</summary>
    public StoredMatrix Response => Stored(response, model.OutputSize, lifted.InputSize);

    /// <summary>W_hh^m for m = 2^level, h×h.</summary>
    public StoredMatrix Power(int level)
    {
        int h = model.HiddenSize;
        return Stored(powers.Slice(level * h * h, h * h), h, h);
    }

    /// <summary>P_first … of so many; they stand in falling order.</summary>
    public StoredMatrix P(int first, int count) =>
        C.ColumnRange((ChunkLength - first - count) * model.InputSize, count * model.InputSize);

    /// <summary>Q_first … of so many.</summary>
    public StoredMatrix Q(int first, int count) => Stored(
            lifted.Storage[(lifted.HiddenSize * (lifted.InputSize + lifted.HiddenSize))..],
            lifted.OutputSize,
            lifted.HiddenSize)
        .RowRange(first * model.OutputSize, count * model.OutputSize);

    /// <summary>Memory for others in the same shapes.</summary>
    /// <param name="model">W_hx, W_hh and W_qh.</param>
    /// <param name="context">Memory.</param>
    public DoublingTerms ForAnother(ParameterArray model, PassContext context) => new(
        model,
        ParameterArray.ShapedLike(lifted, context.Storage),
        context.Storage(response.Count),
        context.Storage(powers.Count));

    /// <summary>The same without the powers, whose place is undefined.</summary>
    /// <param name="context">Memory.</param>
    public DoublingTerms Copy(PassContext context)
    {
        DoublingTerms copy = ForAnother(ParameterArray.ShapedLike(model, context.Storage), context);
        lifted.Values.CopyTo(copy.Lifted.Values);
        Response.CopyTo(copy.Response);
        return copy;
    }

    private static StoredMatrix Stored(ArraySegment<double> values, int rows, int columns) =>
        new(values, rows, columns, rows);
}

/// <summary>The matrices of the doubling, and how they move in a direction where one is followed.</summary>
/// <param name="Values">The matrices.</param>
/// <param name="Derivatives">Their derivatives; null where none are followed.</param>
internal readonly record struct MovingTerms(DoublingTerms Values, DoublingTerms? Derivatives)
{
    public Moving Whx => new(Values.Whx, Derivatives?.Whx);

    public Moving Whh => new(Values.Whh, Derivatives?.Whh);

    public Moving Wqh => new(Values.Wqh, Derivatives?.Wqh);

    public Moving C => new(Values.C, Derivatives?.C);

    public Moving A => new(Values.A, Derivatives?.A);

    public Moving Response => new(Values.Response, Derivatives?.Response);

    public Moving Power(int level) => new(Values.Power(level), Derivatives?.Power(level));

    public Moving P(int first, int count) => new(Values.P(first, count), Derivatives?.P(first, count));

    public Moving Q(int first, int count) => new(Values.Q(first, count), Derivatives?.Q(first, count));
}

/// <summary>A matrix, and its derivative in a direction where one is followed.</summary>
internal readonly record struct Moving(StoredMatrix Value, StoredMatrix? Derivative)
{
    /// <summary>The transpose, to read.</summary>
    public Moving T => new(Value.T, Derivative?.T);
}
