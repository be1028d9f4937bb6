// Weights under the names of other libraries: there and back, and what would change the outputs is refused with the
// remedy.

using Bptt.Files;

namespace Bptt.Tests.Files;

public class WeightNamesTests
{
    private static readonly LinearRnn Model = new Examples(seed: 3).Model(2, 3, 1);

    public static TheoryData<string> Conventions => ["PyTorch", "Keras", "Flax", "own", "own, transposed"];

    [Theory]
    [MemberData(nameof(Conventions))]
    public void A_model_comes_back_bit_for_bit(string convention)
    {
        WeightNames names = NamesOf(convention);

        LinearRnn back = names.ToModel(names.ToTensors(Model));

        back.Whx.Should().Be(Model.Whx);
        back.Whh.Should().Be(Model.Whh);
        back.Wqh.Should().Be(Model.Wqh);
        names.ToTensors(Model, Precision.Single).Values
            .Should().OnlyContain(tensor => tensor.Format == FloatFormat.Float32);
    }

    [Fact]
    public void Names_and_shapes_are_those_of_the_libraries()
    {
        IReadOnlyDictionary<string, StoredTensor> torch = WeightNames.PyTorch.ToTensors(Model);
        torch["rnn.weight_ih_l0"].Shape.Should().Equal(3, 2);
        torch["rnn.weight_hh_l0"].ToMatrix().Should().Be(Model.Whh);
        torch["linear.weight"].Shape.Should().Equal(1, 3);

        IReadOnlyDictionary<string, StoredTensor> keras = WeightNames.Keras.ToTensors(Model);
        keras["simple_rnn/simple_rnn_cell/kernel"].Shape.Should().Equal(2, 3);
        keras["simple_rnn/simple_rnn_cell/recurrent_kernel"].ToMatrix().Should().Be(Model.Whh.Transpose());
        keras["dense/kernel"].Shape.Should().Equal(3, 1);

        IReadOnlyDictionary<string, StoredTensor> flax = WeightNames.Flax.ToTensors(Model);
        flax["SimpleCell_0/i/kernel"].Shape.Should().Equal(2, 3);
        flax["SimpleCell_0/h/kernel"].ToMatrix().Should().Be(Model.Whh.Transpose());
        flax["Dense_0/kernel"].Shape.Should().Equal(3, 1);
    }

    [Theory]
    [InlineData("PyTorch", "weight_ih_l0", "weight_hh_l0", "weight")]
    [InlineData("PyTorch", "model.encoder.weight_ih_l0", "model.encoder.weight_hh_l0", "model.head.weight")]
    [InlineData("Keras", "rnn/cell/kernel:0", "rnn/cell/recurrent_kernel:0", "out/kernel:0")]
    [InlineData("Keras", "kernel", "recurrent_kernel", "dense/kernel")]
    [InlineData("Keras", "seq/rnn/kernel", "seq/rnn/recurrent_kernel", "seq/dense/kernel")]
    [InlineData("Flax", "params/RNN_0/cell/i/kernel", "params/RNN_0/cell/h/kernel", "params/Dense_0/kernel")]
    [InlineData("Flax", "cell.i.kernel", "cell.h.kernel", "readout.kernel")]
    public void Modules_may_have_any_names(string convention, string whx, string whh, string wqh)
    {
        WeightNames names = NamesOf(convention);
        IReadOnlyDictionary<string, StoredTensor> own = names.ToTensors(Model);

        LinearRnn back = names.ToModel(new Dictionary<string, StoredTensor>
        {
            [wqh] = own[names.Wqh],
            [whh] = own[names.Whh],
            [whx] = own[names.Whx],
        });

        back.Whx.Should().Be(Model.Whx);
        back.Whh.Should().Be(Model.Whh);
        back.Wqh.Should().Be(Model.Wqh);
    }

    [Fact]
    public void A_bias_is_refused_with_the_remedy_and_zeros_are_none()
    {
        foreach ((string convention, string name) in new[]
        {
            ("PyTorch", "rnn.bias_ih_l0"), ("PyTorch", "linear.bias"), ("Keras", "dense/bias:0"),
            ("Flax", "SimpleCell_0/i/bias"), ("own", "a.bias"),
        })
        {
            WeightNames names = NamesOf(convention);
            FluentActions.Invoking(() => names.ToModel(With(names, name, new StoredTensor([2], [0.0, 0.1]))))
                .Should().Throw<InvalidDataException>()
                .WithMessage($"{name}: expected no bias*an input that is constantly 1*");
            names.ToModel(With(names, name, new StoredTensor([2], [0.0, -0.0]))).Whh.Should().Be(Model.Whh);
        }
    }

    [Fact]
    public void What_the_model_has_not_is_refused_but_beside_names_of_your_own()
    {
        var other = StoredTensor.Of(Model.Whh);
        FluentActions.Invoking(() => WeightNames.PyTorch.ToModel(With(WeightNames.PyTorch, "rnn.weight_hh_l1", other)))
            .Should().Throw<InvalidDataException>().WithMessage("rnn.weight_hh_l1: expected the weights *alone*");
        FluentActions.Invoking(() => WeightNames.PyTorch.ToModel(With(WeightNames.PyTorch, "head.weight", other)))
            .Should().Throw<InvalidDataException>().WithMessage("expected one tensor 'weight' for W_qh*head.weight*");

        WeightNames own = NamesOf("own");
        var offset = new StoredTensor([1], [3.0]);
        own.ToModel(With(own, "elsewhere.bias", offset)).Whh.Should().Be(Model.Whh);
        own.ToModel(With(own, "ema.a.x", other)).Whx.Should().Be(Model.Whx, "the whole name tells which");
    }

    [Fact]
    public void What_is_no_linear_network_is_refused()
    {
        WeightNames names = WeightNames.PyTorch;
        Refuse(names.Whh, new StoredTensor([12, 3], new double[36]), "*h×h, got 12×3*GRU or LSTM*");
        Refuse(names.Whx, new StoredTensor([4, 2], new double[8]), "rnn.weight_ih_l0: expected h×d with 3*got 4×2*");
        Refuse(names.Wqh, new StoredTensor([3, 1], new double[3]), "linear.weight: expected q×h*got 3×1*");
        Refuse(names.Wqh, new StoredTensor([3], new double[3]), "linear.weight: expected a matrix, got the shape 3.");
        Refuse(names.Wqh, new StoredTensor([0, 3], []), "*expected a matrix, got the shape 0×3*");
        Refuse(names.Whx, new StoredTensor([3, 2], [1, 2, double.NaN, 0, 0, 0]), "*finite*, got NaN at index 2*");
        FluentActions.Invoking(() => names.ToModel(new Dictionary<string, StoredTensor>()))
            .Should().Throw<InvalidDataException>().WithMessage("*'weight_hh_l0' for W_hh, got none among no tensors*");
        FluentActions.Invoking(() => WeightNames.Keras.ToModel(new Dictionary<string, StoredTensor>
        {
            ["recurrent_kernel"] = StoredTensor.Of(Model.Whh),
            ["kernel"] = StoredTensor.Of(Model.Whx),
            ["dense/kernel"] = StoredTensor.Of(Model.Wqh.Transpose()),
        })).Should().Throw<InvalidDataException>().WithMessage("kernel: expected d×h with 3 hidden*got 3×2*");

        void Refuse(string name, StoredTensor tensor, string message)
        {
            var tensors = names.ToTensors(Model).ToDictionary();
            tensors[name] = tensor;
            FluentActions.Invoking(() => names.ToModel(tensors))
                .Should().Throw<InvalidDataException>().WithMessage(message);
        }
    }

    [Fact]
    public void Names_of_your_own_must_differ()
    {
        FluentActions.Invoking(() => new WeightNames("a", "a", "b")).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new WeightNames("a", "", "b")).Should().Throw<ArgumentException>();
    }

    private static WeightNames NamesOf(string convention) => convention switch
    {
        "PyTorch" => WeightNames.PyTorch,
        "Keras" => WeightNames.Keras,
        "Flax" => WeightNames.Flax,
        "own" => new WeightNames("a.x", "a.h", "b.o"),
        _ => new WeightNames("x", "h", "o", isTransposed: true),
    };

    private static Dictionary<string, StoredTensor> With(WeightNames names, string name, StoredTensor tensor)
    {
        var tensors = names.ToTensors(Model).ToDictionary();
        tensors.Add(name, tensor);
        return tensors;
    }
}
