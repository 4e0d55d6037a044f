"""The plain baseline on the drawn benchmark with the steps of CTL+ that it can take."""

_base_ = './baseline_r18_drawn.py'
model = dict(head=dict(test_feature='after'))
test_evaluator = dict(refinement=dict(centre_cameras=True))
test_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type='AddMirroredClips'),
    _base_.test_pipeline[-1],
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
