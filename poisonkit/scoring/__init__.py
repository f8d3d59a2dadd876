"""Scoring: what a model made of a poisoned output, and a defence of its training data. No media is read."""

from poisonkit.scoring.evaluation import Scores, SetScores, score
from poisonkit.scoring.figures import ClassRow, Figure
from poisonkit.scoring.pooling import ScoreTable, TableRow, score_table
from poisonkit.scoring.rates import Rate
from poisonkit.scoring.suspects import SuspectScores

__all__ = [
    "ClassRow",
    "Figure",
    "Rate",
    "ScoreTable",
    "Scores",
    "SetScores",
    "SuspectScores",
    "TableRow",
    "score",
    "score_table",
]
