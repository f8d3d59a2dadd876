# MMAction2: a narrow 3-D ResNet, the first three stages of an 18-layer one, on eight frames of 64 x 48 pixels.
#
# The data come from the fragment that `poisonkit export OUT --to mmaction2` wrote. Which one, the environment says:
# POISONED=OUT/export/mmaction2/poisoned.py. Nothing else here depends on what was poisoned, or how.

_base_ = ["{{$POISONED:poisoned.py}}", "schedule.py"]

model = dict(
    type="Recognizer3D",
    backbone=dict(
        type="ResNet3d",
        depth=18,
        base_channels=8,
        num_stages=3,
        out_indices=(2,),
        spatial_strides=(1, 2, 2),
        temporal_strides=(1, 1, 1),
        dilations=(1, 1, 1),
        inflate=(1, 1, 1),
        pretrained=None,
        pretrained2d=False,
        zero_init_residual=False,
    ),
    cls_head=dict(
        type="I3DHead",
        num_classes=_base_.num_classes,
        in_channels=32,
        dropout_ratio=0,
        init_std=0.1,
        average_clips="prob",
    ),
    data_preprocessor=dict(type="ActionDataPreprocessor", mean=[128, 128, 128], std=[64, 64, 64], format_shape="NCTHW"),
)

# Eight frames of one second, anywhere in the clip when training, in the middle when testing.
train_pipeline = [
    dict(type="DecordInit"),
    dict(type="SampleFrames", clip_len=8, frame_interval=2, num_clips=1),
    dict(type="DecordDecode"),
    dict(type="Resize", scale=(64, 48), keep_ratio=False),
    dict(type="FormatShape", input_format="NCTHW"),
    dict(type="PackActionInputs"),
]
test_pipeline = [
    dict(type="DecordInit"),
    dict(type="SampleFrames", clip_len=8, frame_interval=2, num_clips=1, test_mode=True),
    dict(type="DecordDecode"),
    dict(type="Resize", scale=(64, 48), keep_ratio=False),
    dict(type="FormatShape", input_format="NCTHW"),
    dict(type="PackActionInputs", meta_keys=_base_.meta_keys),
]

# The fragment's loaders, with the lists that they have, get these pipelines.
train_dataloader = dict(batch_size=5, num_workers=0, persistent_workers=False, dataset=dict(pipeline=train_pipeline))
test = dict(batch_size=50, num_workers=0, persistent_workers=False, dataset=dict(pipeline=test_pipeline))
clean_dataloader = test
attack_default_target_dataloader = test
control_dataloader = test

epochs = 12
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=epochs)
param_scheduler = [
    dict(type="OneCycleLR", eta_max=_base_.rate, total_steps=epochs, by_epoch=True, convert_to_iter_based=True)
]
