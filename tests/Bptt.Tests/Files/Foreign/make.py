# Makes the files beside it: weights, a pass and its gradients as PyTorch and NumPy write them, for ForeignFileTests.
# Made with Python 3.11, PyTorch 1.13 and NumPy 1.24.
import numpy
import torch

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.RNN(2, 3, bias=False)
        self.linear = torch.nn.Linear(3, 1, bias=False)

    def forward(self, x):
        # Without the nonlinearity of nn.RNN.
        h = torch.zeros(x.shape[1], 3)
        outputs = []
        for step in x:
            h = step @ self.rnn.weight_ih_l0.T + h @ self.rnn.weight_hh_l0.T
            outputs.append(self.linear(h))
        return torch.stack(outputs)


network = Network()
weights = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
numpy.savez("pytorch.npz", **weights)
numpy.savez_compressed("pytorch-compressed.npz", **{k: v.astype("<f4") for k, v in weights.items()})

x = torch.randn(7, 4, 2, requires_grad=True)  # (time, batch, feature)
y = torch.randn(7, 4, 1)
outputs = network(x)
loss = torch.nn.functional.mse_loss(outputs, y)
loss.backward()
numpy.savez(
    "pytorch-pass.npz",
    x=x.detach().numpy(),
    y=y.numpy(),
    outputs=outputs.detach().numpy(),
    loss=loss.detach().numpy(),
    x_grad=x.grad.numpy(),
    weight_ih_grad=network.rnn.weight_ih_l0.grad.numpy(),
    weight_hh_grad=network.rnn.weight_hh_l0.grad.numpy(),
    linear_grad=network.linear.weight.grad.numpy(),
)

table = numpy.arange(6.0).reshape(2, 3) / 7.0
numpy.save("fortran.npy", numpy.asfortranarray(table))
numpy.save("half.npy", table.astype("<f2"))
numpy.save("big-endian.npy", table.astype(">f8"))
numpy.save("whole-numbers.npy", numpy.arange(6))
numpy.save("objects.npy", numpy.array([{"a": 1}], dtype=object))
