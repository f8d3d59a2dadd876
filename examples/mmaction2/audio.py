# MMAction2: the first two stages of an 18-layer ResNet on one second of log-mel features.
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
        num_stages=2,
        out_indices=(1,),
        strides=(1, 2),
        dilations=(1, 1),
        pretrained=None,
        norm_eval=False,
    ),
    cls_head=dict(
        type="TSNAudioHead", num_classes=_base_.num_classes, in_channels=128, dropout_ratio=0, average_clips="prob"
    ),
)

train_dataloader = dict(batch_size=10, num_workers=0, persistent_workers=False)
test = dict(batch_size=50, num_workers=0, persistent_workers=False)
clean_dataloader = test
attack_default_target_dataloader = test
control_dataloader = test
