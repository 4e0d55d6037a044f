import torch

from mmctl.models.losses.gather_rows import gather_rows
from tests.forked_processes import run_group
from tests.random_state import normal


def run_rank(rank, folder):
    rows = (torch.tensor([[1.0, 2.0]]) + 10 * rank).requires_grad_()
    gathered = gather_rows(rows)
    (gathered * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    labels = gather_rows(torch.tensor([rank, 7]))
    torch.save((gathered.detach(), rows.grad, labels), folder / f"{rank}.pt")


def test_rows_come_in_the_order_of_the_ranks_with_gradient_to_the_own_ones(tmp_path):
    assert run_group(run_rank, tmp_path) == [0, 0]
    for rank in range(2):
        gathered, gradient, labels = torch.load(tmp_path / f"{rank}.pt")
        assert gathered.tolist() == [[1.0, 2.0], [11.0, 12.0]]
        # Twice the factors of the own row: the mean over two processes halves them again.
        assert gradient.tolist() == [[[2.0, 4.0]], [[6.0, 8.0]]][rank]
        assert labels.tolist() == [0, 7, 1, 7]


def test_one_process_gets_its_own_rows():
    rows = normal(3, 2)
    assert gather_rows(rows) is rows
