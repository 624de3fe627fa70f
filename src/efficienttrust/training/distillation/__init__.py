"""Distillation: a student network learns from the answers of a teacher beside the labels.

A teacher's probabilities say how alike classes are, and what they say of a wrong label is often right. The loss of a
row is (1 − α) × that of its label + α T² KL(teacher_T ‖ student_T), both softened by the temperature T (Hinton et al.
2015); a number is pulled to the teacher's number by the squared difference. Several teachers answer with the mean of
their probabilities. Beside the answers a student may learn the features that enter the teacher's last linear layer.

Two terms are about trust. `robust` pulls the answers at *attacked* rows to what the teacher says of the *clean* ones;
`balanced` lets every group and class that is present count the same in what is taken from the teacher, so that its view
of the majority does not drown the rest. Teachers are asked inside the budget; a teacher that is *given* was trained
outside of it, and reports say so.

    >>> from efficienttrust.training.distillation import parse_distillation
    >>> options = parse_distillation("mlp(widths=32-16), alpha=0.7, temperature=4")
    >>> options.student, options.alpha, options.temperature
    ('mlp(widths=32-16)', 0.7, 4.0)
"""

from efficienttrust.training.distillation._options import Distillation, DistilOptions, parse_distillation

__all__ = ["DistilOptions", "Distillation", "parse_distillation"]
