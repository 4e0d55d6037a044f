"""Loop references of mmctl.functional.clips, from the definitions, sharing no code with it."""

import math
from fractions import Fraction


def chunk_of_frame(frame, num_frames, num_chunks):
    """Chunk t holds the frames with floor(t S / T) <= frame < floor((t + 1) S / T)."""
    for chunk in range(num_chunks):
        low = math.floor(Fraction(chunk * num_frames, num_chunks))
        high = math.floor(Fraction((chunk + 1) * num_frames, num_chunks))
        if low <= frame < high:
            return chunk
    raise AssertionError(f"frame {frame} is in no chunk")


def middle_frames(num_frames, clip_len):
    return [
        math.floor((Fraction(slot) + Fraction(1, 2)) * Fraction(num_frames, clip_len))
        for slot in range(clip_len)
    ]


def first_frames(num_frames, clip_len):
    return [math.floor(Fraction(slot * num_frames, clip_len)) for slot in range(clip_len)]


def fill(own, clip_len):
    """Spread a clip's own frames over T slots so that each comes about equally often, in order."""
    return [own[math.floor(Fraction(slot * len(own), clip_len))] for slot in range(clip_len)]


def interleaved(num_frames, clip_len):
    num_clips = math.ceil(num_frames / clip_len)
    clips = [[] for _ in range(num_clips)]
    for frame in range(num_frames):
        clips[frame % num_clips].append(frame)
    return [fill(own, clip_len) for own in clips]


def dense(num_frames, clip_len):
    clips = []
    for frame in range(num_frames):
        if frame % clip_len == 0:
            clips.append([])
        clips[-1].append(frame)
    return [fill(own, clip_len) for own in clips]
