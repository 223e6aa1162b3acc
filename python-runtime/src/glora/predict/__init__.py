"""Scoring new rows with a merged model: rows in, the same rows with predictions out.

    model               rows                                    prediction
    classifier of text  a table, or a text a line               a class, labels or a number
    classifier of       a folder, a list or one file            a class
    images
    language model,     a table, or a text a line               the class whose word is likeliest
    prompt
    language model,     instructions or conversations           the answer, generated
    conversations

The model is a plain folder of transformers, as `merge` and `save_classifier` write it.
"""

from __future__ import annotations

from glora.predict.answers import predict_answers
from glora.predict.output import Predictions
from glora.predict.pictures import predict_pictures
from glora.predict.texts import predict_table
from glora.predict.words import predict_words

__all__ = [
    "Predictions",
    "predict_answers",
    "predict_pictures",
    "predict_table",
    "predict_words",
]
