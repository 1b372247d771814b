"""Networks as people write them in PyTorch, to be recognised from their arrays alone."""

import torch
import torch.nn.functional as F
from torch import nn

ACTIONS = 6


def nature(channels=4):
    return [
        nn.Conv2d(channels, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3, 1),
        nn.ReLU(),
    ]  # fmt: skip


class Noisy(nn.Module):
    """A noisy layer without its noise."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight_mu = nn.Parameter(torch.randn(outputs, inputs) / inputs**0.5)
        self.weight_sigma = nn.Parameter(torch.ones(outputs, inputs))
        self.register_buffer("weight_epsilon", torch.randn(outputs, inputs))
        self.bias_mu = nn.Parameter(torch.randn(outputs) * 0.1)
        self.bias_sigma = nn.Parameter(torch.ones(outputs))
        self.register_buffer("bias_epsilon", torch.randn(outputs))

    def forward(self, x):
        return F.linear(x, self.weight_mu, self.bias_mu)


class Plain(nn.Module):
    def __init__(self, channels=4):
        super().__init__()
        self.conv = nn.Sequential(*nature(channels))
        self.fc = nn.Sequential(nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, ACTIONS))

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


class Dueling(nn.Module):
    """Also of distributions, also with noisy layers."""

    def __init__(self, layer=nn.Linear, atoms=1):
        super().__init__()
        self.atoms = atoms
        self.features = nn.Sequential(*nature())
        self.advantage = nn.Sequential(layer(3136, 256), nn.ReLU(), layer(256, ACTIONS * atoms))
        self.value = nn.Sequential(layer(3136, 256), nn.ReLU(), layer(256, atoms))

    def forward(self, x):
        x = self.features(x).flatten(1)
        value = self.value(x).view(len(x), 1, self.atoms)
        advantage = self.advantage(x).view(len(x), -1, self.atoms)
        q = value + advantage - advantage.mean(1, keepdim=True)
        return q[..., 0] if self.atoms == 1 else (q.softmax(2) * torch.linspace(-10, 10, self.atoms)).sum(2)


class Rainbow(nn.Module):
    """Streams that only the last letter of a name tells apart, both hidden layers first."""

    def __init__(self):
        super().__init__()
        self.convs = nn.Sequential(*nature())
        self.fc_h_v, self.fc_h_a = Noisy(3136, 256), Noisy(3136, 256)
        self.fc_z_v, self.fc_z_a = Noisy(256, 51), Noisy(256, ACTIONS * 51)

    def forward(self, x):
        x = self.convs(x).flatten(1)
        value = self.fc_z_v(F.relu(self.fc_h_v(x))).view(-1, 1, 51)
        advantage = self.fc_z_a(F.relu(self.fc_h_a(x))).view(len(x), -1, 51)
        q = (value + advantage - advantage.mean(1, keepdim=True)).softmax(2)
        return (q * torch.linspace(-10, 10, 51)).sum(2)


class Distribution(nn.Module):
    """51 logits (with a buffer of the returns) or 200 quantiles for each action."""

    def __init__(self, atoms):
        super().__init__()
        self.count = atoms
        if atoms == 51:
            self.register_buffer("atoms", torch.linspace(-5, 5, 51))
        self.network = nn.Sequential(
            *nature(), nn.Flatten(), nn.Linear(3136, 256), nn.ReLU(), nn.Linear(256, ACTIONS * atoms)
        )

    def forward(self, x):
        x = self.network(x).view(len(x), -1, self.count)
        return (x.softmax(2) * self.atoms).sum(2) if self.count == 51 else x.mean(2)


class Implicit(nn.Module):
    """IQN at 32 midpoints, cosines from 1 on."""

    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(*nature())
        self.cos_embedding, self.ff_1, self.ff_2 = nn.Linear(64, 3136), nn.Linear(3136, 256), nn.Linear(256, ACTIONS)

    def forward(self, x):
        x = self.head(x).flatten(1)
        fractions = (torch.arange(32) + 0.5) / 32
        cosines = torch.cos(torch.pi * fractions[:, None] * torch.arange(1, 65)[None])
        embedded = F.relu(self.cos_embedding(cosines))
        return self.ff_2(F.relu(self.ff_1(x[:, None] * embedded[None]))).mean(1)


class Towers(nn.Module):
    """An actor and a critic that share nothing."""

    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(*nature(), nn.Flatten(), nn.Linear(3136, 64), nn.ReLU(), nn.Linear(64, ACTIONS))
        self.critic = nn.Sequential(*nature(), nn.Flatten(), nn.Linear(3136, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        return self.actor(x)


class Memory(nn.Module):
    """CleanRL's ppo_atari_lstm; each observation begins an episode."""

    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(*nature(1), nn.Flatten(), nn.Linear(3136, 512), nn.ReLU())
        self.lstm = nn.LSTM(512, 128)
        self.actor, self.critic = nn.Linear(128, ACTIONS), nn.Linear(128, 1)

    def forward(self, x):
        return self.actor(self.lstm(self.network(x)[None])[0][0])


class Pooled(nn.Module):
    """dgriff777's: stride 1 and max pooling."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5, 1, 2), nn.Conv2d(32, 32, 5, 1, 1)
        self.conv3, self.conv4 = nn.Conv2d(32, 64, 4, 1, 1), nn.Conv2d(64, 64, 3, 1, 1)
        self.lstm = nn.LSTMCell(1024, 512)
        self.critic_linear, self.actor_linear = nn.Linear(512, 1), nn.Linear(512, ACTIONS)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = F.relu(F.max_pool2d(conv(x), 2, 2))
        return self.actor_linear(self.lstm(x.flatten(1))[0])


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv0, self.conv1 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x):
        return x + self.conv1(F.relu(self.conv0(F.relu(x))))


class Sequence(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.res_block0, self.res_block1 = Block(outputs), Block(outputs)

    def forward(self, x):
        return self.res_block1(self.res_block0(F.max_pool2d(self.conv(x), 3, 2, 1)))


class Deep(nn.Module):
    """IMPALA's residual network as CleanRL writes it."""

    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(
            Sequence(4, 8), Sequence(8, 16), Sequence(16, 16), nn.Flatten(), nn.ReLU(),
            nn.Linear(16 * 121, 64), nn.ReLU(), nn.Linear(64, ACTIONS),
        )  # fmt: skip

    def forward(self, x):
        return self.network(x)


class Beast(nn.Module):
    """The same as torchbeast writes it, without the last reward: the layers stand in another order."""

    def __init__(self):
        super().__init__()
        self.feat_convs, self.resnet1, self.resnet2 = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        inputs = 4
        for channels in (8, 16, 16):
            self.feat_convs.append(nn.Sequential(nn.Conv2d(inputs, channels, 3, 1, 1), nn.MaxPool2d(3, 2, 1)))
            inputs = channels
            for blocks in (self.resnet1, self.resnet2):
                inner = [nn.ReLU(), nn.Conv2d(inputs, inputs, 3, 1, 1), nn.ReLU(), nn.Conv2d(inputs, inputs, 3, 1, 1)]
                blocks.append(nn.Sequential(*inner))
        self.fc, self.pi, self.vf = nn.Linear(16 * 121, 64), nn.Linear(64, ACTIONS), nn.Linear(64, 1)

    def forward(self, x):
        for conv, one, other in zip(self.feat_convs, self.resnet1, self.resnet2):
            x = conv(x)
            x = x + one(x.clone())
            x = x + other(x.clone())
        return self.pi(F.relu(self.fc(F.relu(x).flatten(1))))


class Normed(nn.Module):
    """Batch norms, a layer norm, a convolution without bias."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(4, 32, 8, 4), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = nn.Conv2d(32, 64, 4, 2), nn.BatchNorm2d(64)
        self.conv3, self.bn3 = nn.Conv2d(64, 64, 3, 1, bias=False), nn.BatchNorm2d(64)
        self.fc1, self.ln, self.q = nn.Linear(3136, 256), nn.LayerNorm(256), nn.Linear(256, ACTIONS)
        for norm in (self.bn1, self.bn2, self.bn3):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2.0)
            nn.init.normal_(norm.weight)
        nn.init.normal_(self.ln.weight)

    def forward(self, x):
        for conv, norm in ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)):
            x = F.relu(norm(conv(x)))
        return self.q(F.relu(self.ln(self.fc1(x.flatten(1)))))


class Dopamine(nn.Module):
    """Dopamine's networks in JAX: padded as TensorFlow pads, maps flattened as H, W, C. kind: atoms, or 0 for IQN."""

    def __init__(self, kind=1):
        super().__init__()
        self.kind = kind
        self.convs = nn.ModuleList([nn.Conv2d(4, 32, 8, 4), nn.Conv2d(32, 64, 4, 2), nn.Conv2d(64, 64, 3, 1)])
        self.hidden, self.out = nn.Linear(7744, 512), nn.Linear(512, ACTIONS * max(1, kind))
        self.embed = nn.Linear(64, 7744)

    def forward(self, x):
        for conv in self.convs:
            x = F.relu(conv(same(x, conv.kernel_size[0], conv.stride[0])))
        x = x.permute(0, 2, 3, 1).flatten(1)
        if not self.kind:
            fractions = (torch.arange(32) + 0.5) / 32
            cosines = torch.cos(torch.pi * fractions[:, None] * torch.arange(1, 65)[None])
            return self.out(F.relu(self.hidden(x[:, None] * F.relu(self.embed(cosines))[None]))).mean(1)
        x = self.out(F.relu(self.hidden(x)))
        if self.kind == 1:
            return x
        x = x.view(len(x), ACTIONS, self.kind)
        return (x.softmax(2) * torch.linspace(-10, 10, 51)).sum(2) if self.kind == 51 else x.mean(2)

    def arrays(self, prefix="params/"):
        """As Flax names and orders them."""
        dense = [self.hidden, self.out] if self.kind else [self.embed, self.hidden, self.out]
        layers = {f"Conv_{i}": conv for i, conv in enumerate(self.convs)}
        return flaxed(layers | {f"Dense_{i}": layer for i, layer in enumerate(dense)}, prefix)


def flaxed(layers, prefix=""):
    """{path/kernel, path/bias: array} of PyTorch layers, axes as Flax and TensorFlow order them."""
    result = {}
    for name, layer in layers.items():
        weight = layer.weight.detach().numpy()
        weight = weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T
        result |= {f"{prefix}{name}/kernel": weight.copy(), f"{prefix}{name}/bias": layer.bias.detach().numpy()}
    return result


def same(x, kernel, stride, value=0.0):
    """Padded as TensorFlow's SAME."""
    size = x.shape[-1]
    pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return F.pad(x, (pad // 2, pad - pad // 2) * 2, value=value)
