"""The feature tokenizer and transformer (Gorishniy et al. 2021, arXiv 2106.11959)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import rtdl_revisiting_models
import torch
from torch import nn

from automl_torch.embeddings import Bends
from automl_torch.model import NetModel, Recipe
from automl_torch.nets import with_cheap_dropout
from automl_torch.optimiser import Group

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl import Config, Task
    from automl_torch.data import Inputs, Layout

HEADS = 8
BATCHES = ((2_800, 32), (6_400, 64), (None, 128))
BINS = 24
"""Bins of a number; few rows fill fewer."""
EPOCHS = 30
"""Sixty are stopped early, before the learning rate has come down, and end worse."""


class FTTransformer(nn.Module):
    """One token a column, a missing flag being a column of its own.

    A number's token is linear in it or, as later published, piecewise linear (arXiv 2203.05556).
    The embedding of code 0 (unknown) starts at zero, so that a level never seen in training
    is only its column's bias.
    """

    def __init__(self, layout: Layout, outputs: int, *, piecewise: bool, **settings: Any) -> None:
        super().__init__()
        width = settings["d_block"]
        continuous = layout.numbers + len(layout.flagged)
        bent = piecewise and layout.numbers > 0
        self.bends = Bends(layout.numbers, BINS, width) if bent else None
        self.body = rtdl_revisiting_models.FTTransformer(
            n_cont_features=continuous,
            cat_cardinalities=list(layout.cardinalities),
            d_out=outputs,
            attention_n_heads=HEADS,
            ffn_d_hidden=None,
            **settings,
        )
        if self.body.cat_embeddings is not None:
            for table in self.body.cat_embeddings.embeddings:
                nn.init.zeros_(cast("torch.Tensor", table.weight)[0])
        with_cheap_dropout(self.body)
        tokens = 1 + continuous + len(layout.cardinalities)
        self.cells = tokens * max(HEADS * tokens, 3 * width)

    def measure(self, rows: Inputs) -> None:
        """Place the bins of the numbers."""
        if self.bends is not None:
            self.bends.measure(rows.numbers)

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, out)."""
        body = self.body
        tokens = [body.cls_embedding((len(rows),))]
        if body.cont_embeddings is not None:
            straight = body.cont_embeddings(torch.cat([rows.numbers, rows.flags], 1))
            if self.bends is not None:
                straight[:, : rows.numbers.shape[1]] += self.bends.tokens(rows.numbers)
            tokens.append(straight)
        if body.cat_embeddings is not None:
            tokens.append(body.cat_embeddings(rows.codes))
        x = torch.cat(tokens, 1)
        *inner, last = cast("Iterable[nn.ModuleDict]", body.backbone.blocks)
        for block in inner:
            normed = _normed(block, x)
            x = _block(block, x, block["attention"](normed, normed))
        x = _block(last, x[:, :1], _attend_first(last["attention"], _normed(last, x)))
        output: torch.Tensor = body.backbone.output(x[:, 0])
        return output


def _normed(block: nn.ModuleDict, x: torch.Tensor) -> torch.Tensor:
    """The first block has no normalisation before its attention."""
    if "attention_normalization" not in block:
        return x
    normed: torch.Tensor = block["attention_normalization"](x)
    return normed


def _block(block: nn.ModuleDict, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
    """Output of a block for (n, t, d) tokens and their attention."""
    x = x + block["attention_residual_dropout"](attended)
    after: torch.Tensor = block["ffn_residual_dropout"](block["ffn"](block["ffn_normalization"](x)))
    return x + after


def _attend_first(attention: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """(n, t, d) tokens to what the first of them attends to, (n, 1, d).

    The same as the published module's; of one query, products and sums are several times as
    fast as its batches of tiny matrix products. The last block needs no other token.
    """
    part = cast("rtdl_revisiting_models.MultiheadAttention", attention)
    query, key, value = (
        linear(tokens).unflatten(2, (HEADS, -1))
        for linear, tokens in ((part.W_q, x[:, :1]), (part.W_k, x), (part.W_v, x))
    )
    shares = ((query * key).sum(-1) / math.sqrt(key.shape[-1])).softmax(1)
    shares = shares if part.dropout is None else part.dropout(shares)
    mixed = (shares.unsqueeze(-1) * value).sum(1, keepdim=True).flatten(2)
    output: torch.Tensor = mixed if part.W_out is None else part.W_out(mixed)
    return output


def architecture(config: Config, layout: Layout, outputs: int) -> FTTransformer:
    """An untrained net for these inputs.

    Reads `numbers`, `width`, `layers`, `attention_dropout`, `ffn_factor`, `ffn_dropout` and
    `residual_dropout` from the configuration.
    """
    settings: dict[str, Any] = dict(config)
    return FTTransformer(
        layout,
        outputs,
        piecewise=settings.get("numbers", "plain") == "piecewise",
        n_blocks=int(settings.get("layers", 3)),
        d_block=int(settings.get("width", 192)),
        attention_dropout=float(settings.get("attention_dropout", 0.2)),
        ffn_d_hidden_multiplier=float(settings.get("ffn_factor", 4 / 3)),
        ffn_dropout=float(settings.get("ffn_dropout", 0.1)),
        residual_dropout=float(settings.get("residual_dropout", 0.0)),
    )


def groups(net: nn.Module) -> tuple[Group, ...]:
    """The published groups: embeddings, normalisations and biases do not decay."""
    body = cast("rtdl_revisiting_models.FTTransformer", net.body)
    matrices = {id(parameter) for parameter in body.make_parameter_groups()[0]["params"]}
    parameters = list(net.parameters())
    return (
        Group([p for p in parameters if id(p) in matrices]),
        Group([p for p in parameters if id(p) not in matrices], decay=0.0),
    )


RECIPE = Recipe(
    architecture=architecture,
    epochs=EPOCHS,
    rate=1e-4,
    decay=1e-5,
    batches=BATCHES,
    betas=(0.9, 0.999),
    groups=groups,
)


def build(config: Config, task: Task, n_classes: int) -> NetModel:
    """The factory of the learner `ft_transformer`."""
    return NetModel(RECIPE, config, task, n_classes)
