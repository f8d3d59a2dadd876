"""What published defences say of training data, from the features and predictions that any trainer can dump."""

from poisonkit.detection.evaluation import Detection, Verdict, detect

__all__ = ["Detection", "Verdict", "detect"]
