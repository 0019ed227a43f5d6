"""A self-normalizing network: SELU units, LeCun initialisation, alpha dropout."""

import json

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

EPOCHS, BATCH, AT_ONCE = 80, 128, 8192


class Snn:
    """One configuration; it trains on the CPU."""

    def __init__(self, config, task, n_classes):
        self.config = dict(config)
        self.classes = n_classes
        self.net = None
        self.about = {}

    def fit(self, train, stop, run):
        """Train until the epochs, the time, or the host's patience are at an end."""
        X, y = torch.tensor(train.X), torch.tensor(train.y)
        self.about = {"columns": X.shape[1], "mean": 0.0, "scale": 1.0}
        if not self.classes:
            self.about |= {"mean": float(y.mean()), "scale": float(y.std(correction=0)) or 1.0}
            y = ((y - self.about["mean"]) / self.about["scale"]).float()[:, None]
        threads = torch.get_num_threads()
        torch.set_num_threads(run.threads)
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(run.seed)
                self.net = self.build()
                self.train(X, y, stop, run)
        finally:
            torch.set_num_threads(threads)

    def train(self, X, y, stop, run):
        """Adam, an epoch at a time; the best epoch on the early-stopping rows is kept."""
        loss = nn.functional.cross_entropy if self.classes else nn.functional.mse_loss
        optimiser = torch.optim.Adam(self.net.parameters(), lr=float(self.config["rate"]))
        best = None
        for epoch in range(EPOCHS):
            self.net.train()
            for rows in torch.randperm(len(X)).split(BATCH):
                optimiser.zero_grad()
                loss(self.net(X[rows]), y[rows]).backward()
                optimiser.step()
                if run.seconds_left() <= 0:
                    break
            over = run.seconds_left() <= 0
            if stop is not None:
                over = run.report(epoch, self.predict(stop))
                if run.best_step == epoch:
                    best = {key: value.clone() for key, value in self.net.state_dict().items()}
            if over:
                break
        if best is not None:
            self.net.load_state_dict(best)

    def build(self):
        """The net, with weights drawn anew."""
        width, columns = int(self.config["width"]), self.about["columns"]
        parts = []
        for _ in range(int(self.config["layers"])):
            parts += [nn.Linear(columns, width), nn.SELU()]
            parts.append(nn.AlphaDropout(float(self.config["dropout"])))
            columns = width
        net = nn.Sequential(*parts, nn.Linear(columns, max(self.classes, 1)))
        for part in net:
            if isinstance(part, nn.Linear):
                nn.init.kaiming_normal_(part.weight, nonlinearity="linear")
                nn.init.zeros_(part.bias)
        return net

    def predict(self, view):
        """(n, k) class probabilities or (n,) values."""
        self.net.eval()
        with torch.inference_mode():
            chunks = torch.tensor(view.X).split(AT_ONCE)
            output = torch.cat([self.net(rows) for rows in chunks])
        if self.classes:
            return output.softmax(dim=1).numpy()
        return np.asarray(output[:, 0]) * self.about["scale"] + self.about["mean"]

    def save(self, folder):
        """Weights as safetensors, the rest as JSON."""
        save_file(self.net.state_dict(), folder / "weights.safetensors")
        (folder / "about.json").write_text(json.dumps(self.about), encoding="utf-8")

    def load(self, folder):
        """Read what `save` wrote."""
        self.about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        with torch.random.fork_rng(devices=[]):
            self.net = self.build()
        self.net.load_state_dict(load_file(folder / "weights.safetensors"))
