"""The paper's mathematics and re-ID's evaluation as pure functions of tensors and arrays.

Everything here imports torch and numpy only, so that it can be read with the paper open, tested
without MMEngine and lifted into another project.
"""
