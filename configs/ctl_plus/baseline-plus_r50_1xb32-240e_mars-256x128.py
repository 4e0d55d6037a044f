"""The plain baseline with the steps of CTL+ that it can take, on MARS."""

_base_ = '../ctl/baseline_r50_1xb32-240e_mars-256x128.py'
