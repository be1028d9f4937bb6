// Which tensor of a file is which weight matrix, by the names that other libraries give them. It reads no file.

using Bptt.Edge;

namespace Bptt.Files;

/// <summary>
/// What another library calls W_hx, W_hh and W_qh, and whether it keeps them transposed: a <see cref="LinearRnn"/> as
/// tensors with names, and back. Immutable.
/// </summary>
/// <remarks>
/// A file tells no activation function. Weights that were trained with tanh or ReLU, which are all that
/// <c>torch.nn.RNN</c> has, are read as those of the linear network, whose outputs are others.
/// </remarks>
public sealed class WeightNames
{
    /// <summary>Names of your own: each the whole name of a tensor, or its end behind a dot or a slash.</summary>
    /// <param name="whx">The name of W_hx.</param>
    /// <param name="whh">The name of W_hh.</param>
    /// <param name="wqh">The name of W_qh.</param>
    /// <param name="isTransposed">Whether the tensors are W_hxᵀ (d×h), W_hhᵀ and W_qhᵀ (h×q).</param>
    /// <exception cref="ArgumentNullException">A name is null.</exception>
    /// <exception cref="ArgumentException">A name is empty, or two are equal.</exception>
    public WeightNames(string whx, string whh, string wqh, bool isTransposed = false)
        : this(whx, whh, wqh, isTransposed, [whx, whh, wqh], isConvention: false)
    {
        ArgumentException.ThrowIfNullOrEmpty(whx);
        ArgumentException.ThrowIfNullOrEmpty(whh);
        ArgumentException.ThrowIfNullOrEmpty(wqh);
        if (whx == whh || whx == wqh || whh == wqh)
        {
            throw Guard.Error(nameof(whh), $"expected three different names, got '{whx}', '{whh}' and '{wqh}'.");
        }
    }

    private WeightNames(
        string whx, string whh, string wqh, bool isTransposed, string[] endings, bool isConvention)
    {
        Whx = whx;
        Whh = whh;
        Wqh = wqh;
        IsTransposed = isTransposed;
        Endings = endings;
        IsConvention = isConvention;
    }

    /// <summary>PyTorch: <c>weight_ih_l0</c> (h×d) and <c>weight_hh_l0</c> (h×h) as <c>nn.RNN</c> names them, and
    /// <c>weight</c> (q×h) of an <c>nn.Linear</c>, each behind the names of its modules. Written as those of modules
    /// <c>rnn</c> and <c>linear</c>.</summary>
    public static WeightNames PyTorch { get; } = new(
        "rnn.weight_ih_l0", "rnn.weight_hh_l0", "linear.weight", isTransposed: false,
        ["weight_ih_l0", "weight_hh_l0", "weight"], isConvention: true);

    /// <summary>Keras: <c>kernel</c> (d×h) and <c>recurrent_kernel</c> (h×h) of a <c>SimpleRNN(activation=None,
    /// use_bias=False)</c>, which is exactly this model, and the <c>kernel</c> (h×q) of a <c>Dense</c>, each behind the
    /// names of its layers.</summary>
    public static WeightNames Keras { get; } = new(
        "simple_rnn/simple_rnn_cell/kernel", "simple_rnn/simple_rnn_cell/recurrent_kernel", "dense/kernel",
        isTransposed: true, ["kernel", "recurrent_kernel", "kernel"], isConvention: true);

    /// <summary>Flax: <c>i/kernel</c> (d×h) and <c>h/kernel</c> (h×h) of a <c>SimpleCell</c>, here without its
    /// activation, and the <c>kernel</c> (h×q) of a <c>Dense</c>, each behind the names of its modules.</summary>
    public static WeightNames Flax { get; } = new(
        "SimpleCell_0/i/kernel", "SimpleCell_0/h/kernel", "Dense_0/kernel", isTransposed: true,
        ["i/kernel", "h/kernel", "kernel"], isConvention: true);

    /// <summary>The name that W_hx is written with.</summary>
    public string Whx { get; }

    /// <summary>The name that W_hh is written with.</summary>
    public string Whh { get; }

    /// <summary>The name that W_qh is written with.</summary>
    public string Wqh { get; }

    /// <summary>Whether the tensors are W_hxᵀ (d×h), W_hhᵀ and W_qhᵀ (h×q).</summary>
    public bool IsTransposed { get; }

    /// <summary>How the names of W_hx, W_hh and W_qh end when they are read.</summary>
    internal IReadOnlyList<string> Endings { get; }

    /// <summary>Whether a library names tensors so, and not the caller: then the file must hold nothing
    /// else.</summary>
    internal bool IsConvention { get; }

    /// <summary>The weights as tensors, under these names. Cost O(h(h + d + q)).</summary>
    /// <param name="model">The model.</param>
    /// <param name="precision">What the file is to keep; with <see cref="Precision.Single"/> weights are
    /// rounded.</param>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    /// <exception cref="ArgumentException">A weight is beyond the range of float, which was asked for.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The precision has no name.</exception>
    public IReadOnlyDictionary<string, StoredTensor> ToTensors(
        LinearRnn model, Precision precision = Precision.Double)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new Dictionary<string, StoredTensor>
        {
            [Whx] = StoredTensor.Of(IsTransposed ? model.Whx.Transpose() : model.Whx, precision),
            [Whh] = StoredTensor.Of(IsTransposed ? model.Whh.Transpose() : model.Whh, precision),
            [Wqh] = StoredTensor.Of(IsTransposed ? model.Wqh.Transpose() : model.Wqh, precision),
        }.AsReadOnly();
    }

    /// <summary>The model whose weights tensors hold. Biases must be zero: h_t = W_hx x_t + W_hh h_{t−1} has none.
    /// Cost O(h(h + d + q)) and a search of the names.</summary>
    /// <param name="tensors">The tensors by their names, such as those of a <see cref="SafeTensorsFile"/>. Beside names
    /// of your own others are left out; beside those of a library others are refused, as they would be weights that
    /// this model has not.</param>
    /// <exception cref="ArgumentNullException">The tensors are null.</exception>
    /// <exception cref="InvalidDataException">A weight is not there, or not alone under its name; a bias is not zero; a
    /// shape is not that of a linear network; or a number is NaN or infinite.</exception>
    public LinearRnn ToModel(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return new WeightSearch(this, tensors).Model();
    }

    /// <summary>The three names.</summary>
    public override string ToString() => $"{Whx}, {Whh}, {Wqh}{(IsTransposed ? ", transposed" : "")}";
}
