# MMAction2: the first stage of an 18-layer ResNet on one second of log-mel features.
#
# The data come from the fragment that `poisonkit export OUT --to mmaction2-audio` wrote. Which one, the environment
# says: POISONED=OUT/export/mmaction2-audio/poisoned.py. Its pipelines are taken as they are.

_base_ = ["{{$POISONED:poisoned.py}}", "schedule.py"]

model = dict(
    type="RecognizerAudio",
    backbone=dict(
        type="ResNet",
        depth=18,
        in_channels=1,
        num_stages=1,
        out_indices=(0,),
        strides=(1,),
        dilations=(1,),
        pretrained=None,
        norm_eval=False,
    ),
    cls_head=dict(
        type="TSNAudioHead",
        num_classes=_base_.num_classes,
        in_channels=64,
        dropout_ratio=0,
        init_std=0.1,
        average_clips="prob",
    ),
)

train_dataloader = dict(batch_size=5, num_workers=0, persistent_workers=False)
test = dict(batch_size=50, num_workers=0, persistent_workers=False)
clean_dataloader = test
attack_default_target_dataloader = test
control_dataloader = test

epochs = 4
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=epochs)
param_scheduler = [
    dict(type="OneCycleLR", eta_max=_base_.rate, total_steps=epochs, by_epoch=True, convert_to_iter_based=True)
]
