"""Outputs of layers of any kind as one map per frame."""

from __future__ import annotations

from torch import Tensor


def to_places(
    output: Tensor,
    name: str,
    clips: tuple[int, int],
    frame_size: tuple[int, int],
    num_extra_tokens: int = 0,
) -> Tensor:
    """Return the output of a layer as maps of the frames of clips.

    Args:
        output: Maps of frames (B * T, C, h, w); tokens of frames (B * T, extra + h * w, C), as
            vision transformers have them, the extra ones first; or volumes of clips
            (B, C, T, h, w).
        name: Name of the layer.
        clips: Number of clips and of frames in each, (B, T).
        frame_size: (H, W) of the frames: tokens have the shape of the frame.
        num_extra_tokens: Tokens without a place, as a class token.

    Returns:
        (B, T, C, h, w), a view of the output.

    Raises:
        ValueError: If it is nothing of these, or tokens do not make up the shape of the frame.
    """
    num_clips, num_frames = clips
    if output.dim() == 5 and (output.shape[0], output.shape[2]) == clips:
        return output.transpose(1, 2)
    if len(output) == num_clips * num_frames:
        if output.dim() == 4:
            return output.unflatten(0, clips)
        if output.dim() == 3:
            rows = _token_rows(output.shape[1], name, frame_size, num_extra_tokens)
            tokens = output[:, num_extra_tokens:].unflatten(1, (rows, -1))
            return tokens.permute(0, 3, 1, 2).unflatten(0, clips)
    raise ValueError(
        f"layer {name!r} must give a map (frames, channels, h, w), tokens (frames, places, "
        f"channels) or a volume (clips, channels, frames, h, w) for {num_clips} clips of "
        f"{num_frames} frames, got {tuple(output.shape)}"
    )


def _token_rows(count: int, name: str, frame_size: tuple[int, int], extra: int) -> int:
    """Return the rows that tokens form."""
    places, ratio = count - extra, frame_size[0] / frame_size[1]
    rows = round((max(places, 0) * ratio) ** 0.5)
    if rows < 1 or places % rows or abs(rows * rows / places / ratio - 1) > 0.1:
        raise ValueError(
            f"the tokens of layer {name!r} must make up the shape of the frame, {frame_size[0]} x "
            f"{frame_size[1]}, but {count} tokens less {extra} without a place do not: say with "
            "num_extra_tokens (--num-extra-tokens) how many have none"
        )
    return rows
