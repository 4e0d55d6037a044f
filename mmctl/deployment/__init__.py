"""A trained model as a graph in a file, proved against PyTorch, and what runs it without PyTorch.

Import from the modules: exporting needs ``onnx`` and ``onnxscript``, running a graph
``onnxruntime`` alone (``pip install 'mmctl[onnx]'``).
"""
