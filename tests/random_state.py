"""Random tensors and module states from explicit generators."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.references.equations import Embed, Norm


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def randomize(module: nn.Module, seed: int = 0, scale: float = 0.5) -> nn.Module:
    """Fill parameters and running statistics with random numbers, so that none is at 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
        for child in module.modules():
            if isinstance(child, nn.BatchNorm1d):
                child.weight.copy_(0.5 + torch.rand(child.weight.shape, generator=generator))
                child.running_mean.copy_(torch.randn(child.bias.shape, generator=generator))
                child.running_var.copy_(0.5 + torch.rand(child.bias.shape, generator=generator))
    return module


def layer_of(linear: nn.Linear) -> tuple:
    """Return (weight, bias) as arrays."""
    return linear.weight.detach().numpy(), linear.bias.detach().numpy()


def norm_of(norm: nn.BatchNorm1d) -> Norm:
    """Return the batch norm for the references, in the mode that it is in."""
    gamma, beta = norm.weight.detach().numpy(), norm.bias.detach().numpy()
    if norm.training:
        return Norm(gamma, beta, eps=norm.eps)
    return Norm(gamma, beta, norm.running_mean.numpy(), norm.running_var.numpy(), norm.eps)


def embed_of(embedding: nn.Module) -> Embed:
    """Return a linear layer and its batch norm for the references."""
    return Embed(embedding.linear.weight.detach().numpy(), norm_of(embedding.norm))
