"""Mistakes in exported graphs: they embed other clips, prove nothing, or pass for another model."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_ROOM = "mmctl/deployment"
_CHECK = ("tests/test_deployment/test_graph_check.py",)
_GRAPH = ("tests/test_deployment/test_clip_graph.py",)
_HALF = "test_half_precision_of_two_scales_and_the_feature_after_the_neck"
_EXPORT = (f"tests/test_apis/test_graph_export.py::{_HALF}",)
_RUN = "tests/test_apis/test_onnx_inference.py"
_MODEL = (
    f"{_RUN}::test_features_hashes_and_records_equal_those_of_the_model",
    f"{_RUN}::test_pieces_of_a_mean_get_length_one",
)
_SESSION = (f"{_RUN}::test_a_provider_that_does_not_start_is_no_slow_surprise",)

DEPLOYMENT = (
    *mistakes_in(
        f"{_ROOM}/graph_check.py",
        _CHECK,
        {
            "proof: one batch": (
                "product((1, 2, 3, 5), (1, 2, 4, 7))",
                "product((1,), (1, 2, 4, 7))",
            ),
            "proof: one length": (
                "product((1, 2, 3, 5), (1, 2, 4, 7))",
                "product((1, 2, 3, 5), (5,))",
            ),
            "proof: a number that is none passes": (
                "if not distance <= tolerance:\n                raise ValueError(\n"
                '                    f"{what} must give what PyTorch gives, within {tolerance:g}, '
                "but its output ",
                "if distance > tolerance:\n                raise ValueError(\n"
                '                    f"{what} must give what PyTorch gives, within {tolerance:g}, '
                "but its output ",
            ),
            "proof: the mean clip counts": (
                "return float(np.abs(wanted - found).max())",
                "return float(np.abs((wanted - found).mean(axis=0)).max())",
            ),
            "proof: weights that confuse all clips": (
                "if not apart > APART * largest:",
                "if False:",
            ),
            "int8: any feature will do": (
                "np.count_nonzero(~(own <= distances.min(axis=1)))",
                "np.count_nonzero(own < 0)",
            ),
        },
    ),
    *mistakes_in(
        f"{_ROOM}/clip_graph.py",
        _GRAPH,
        {
            "graph: the feature before the neck in any case": (
                'if head.test_feature == "after":',
                "if False:",
            ),
            "graph: frames are not normalised": (
                "(frames.float() - network.data_preprocessor.mean) / network.data_preprocessor.std",
                "frames.float()",
            ),
            "graph: the model itself is stripped": (
                "_check_model(copy.deepcopy(model))",
                "_check_model(model)",
            ),
            "graph: blocks of one length pass": (
                "if isinstance(module, ContextBlock):",
                "if False:",
            ),
            "graph: pieces are not scaled": (
                "tuple(self.widths.values()) if self.normalizes_each else ()",
                "()",
            ),
            "graph: joints in pixels of the network's input": (
                "heatmaps.new_tensor([size]).expand",
                "heatmaps.new_tensor([network_size]).expand",
            ),
        },
    ),
    *mistakes_in(
        f"{_ROOM}/half_graph.py",
        ("tests/test_deployment/test_half_graph.py",),
        {
            "half: products of activations, too": (
                "return any(len(self.given[x].dims) > 1 for x in node.input if x in self.given)",
                "return True",
            ),
            "half: what follows a product stays in 16 bits": (
                'name in self.half and self.makers[name].op_type != "MatMul" for name',
                "name in self.half for name",
            ),
            "half: cast for every reader": ("elif name not in self.cast:", "else:"),
            "half: weights of both kinds are kept": (
                "if value.name in converter.still_read()]",
                "if value.name]",
            ),
        },
    ),
    *mistakes_in(
        "mmctl/apis/graph_description.py",
        _EXPORT,
        {
            "card: every precision has one hash": ('if precision == "fp32" else', "if True else"),
        },
    ),
    *mistakes_in(
        f"{_ROOM}/onnx_model.py",
        _MODEL,
        {
            "graph model: unit vectors are averaged": (
                "None if stored is None else stored[rows])[1])",
                "None if stored is None else stored[rows])[0])",
            ),
            "graph model: pieces are not scaled": (
                "scale_branches(means, self.card.widths)",
                "means",
            ),
            "graph model: keypoints of other clips": (
                "None if stored is None else stored[rows]",
                "None if stored is None else stored[: len(frames[rows])]",
            ),
        },
    ),
    *mistakes_in(
        f"{_ROOM}/onnx_session.py",
        _SESSION,
        {
            "session: the CPU takes over in silence": ("if started[0] != chosen[0]:", "if False:"),
        },
    ),
    *mistakes_in(
        "mmctl/files/whole_files.py",
        ("tests/test_files/test_whole_files.py",),
        {
            "files together: one by one": (
                '            file = stack.enter_context(open_atomically(path, "wb"))\n'
                "            file.write(content)",
                '            with open_atomically(path, "wb") as file:\n'
                "                file.write(content)\n"
                '            file = stack.enter_context(open(path, "ab"))',
            ),
        },
    ),
)
