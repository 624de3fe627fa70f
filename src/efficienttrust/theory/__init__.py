"""Theory: what nobody can achieve, as functions with stated assumptions, and what can be proved of given rows.

Every function returns a `Bound`: the number (or curve) with its kind, its assumptions, its source, and whether it is
vacuous here. `exact`, `lower` and `upper` hold wherever the assumptions do; an `estimate` replaces something unknown by
what was measured; a `heuristic` follows from a model of the situation; of a `scaling` the constants are unknown. The
results carry codes, T1 to T16: `efficienttrust theory list` shows them, docs/theory.md proves them.

What most targets run into first are base rates (T2), the fair-Bayes frontier (T1), and the number of rows (T7):

Example:
    >>> round(float(base_rate_bound([0.114, 0.312], [0.325, 0.675], dpd=0.05)), 4)
    0.9519
    >>> bound = min_group_size(tau=0.05, d_hat=0.02)
    >>> bound.kind, int(bound.value)
    ('upper', 4099)
"""

from efficienttrust.theory._attack_norms import AttackNorm
from efficienttrust.theory._bound import Bound, Kind
from efficienttrust.theory._embedding import embedded
from efficienttrust.theory._estimated_frontier import EstimatedFrontier, estimated_frontier
from efficienttrust.theory._flip_curve import FlipCurve, flip_curve, pruning_errors, robust_flip_bound
from efficienttrust.theory._frontier_rows import Attribute, Constraint, Gaps
from efficienttrust.theory._held_out_scores import HeldOutScores, held_out_scores
from efficienttrust.theory._lipschitz import certified_radius, lipschitz_constant
from efficienttrust.theory._result import Result, all_results, results
from efficienttrust.theory._sample_curve import robust_sample_curve, robust_sample_scaling
from efficienttrust.theory.catalogue.base_rate_gap import base_rate_bound, joint_error_lower_bound
from efficienttrust.theory.catalogue.class_conflict import ClassRule, ClassTradeoff, gaussian_class_tradeoff
from efficienttrust.theory.catalogue.compute_allocation import budget_to_suboptimality, plan_attack_steps
from efficienttrust.theory.catalogue.description_length import fairness_gap_bound, max_bits, occam_kl_upper, occam_width
from efficienttrust.theory.catalogue.fair_bayes_frontier import Frontier, fair_bayes_frontier
from efficienttrust.theory.catalogue.fairness_certificates import (
    GapVerdict,
    certify_gap,
    dpd_interval,
    dpd_null_bias,
    eod_interval,
    min_group_size,
)
from efficienttrust.theory.catalogue.gaussian_robust_risk import (
    RobustClassifier,
    gaussian_robust_classifier,
    gaussian_robust_risk,
)
from efficienttrust.theory.catalogue.group_size import (
    exact_test_size,
    group_size_error_curve,
    min_group_n_lower,
    vc_minimax_scaling,
)
from efficienttrust.theory.catalogue.iterations import (
    GradientPath,
    descent_bound,
    flow_against_ridge,
    gd_path,
    min_primal_dual_steps,
    primal_dual_violation,
    reductions_calls,
)
from efficienttrust.theory.catalogue.law_of_robustness import law_of_robustness, robustness_scaling
from efficienttrust.theory.catalogue.linear_robustness import (
    GroupMetrics,
    LinearFront,
    adversarial_regression_risk,
    gaussian_group_metrics,
    linear_pareto_front,
    linear_robust_error,
)
from efficienttrust.theory.catalogue.matching import min_robust_error
from efficienttrust.theory.catalogue.regression_price import dp_regression_price, gaussian_regression_price
from efficienttrust.theory.catalogue.step_frontier import StepFrontier, step_budget_floor, step_budget_frontier
from efficienttrust.theory.catalogue.trust_front import TrustFront, linear_trust_front
from efficienttrust.theory.flip_bound import FlipBound, bound_flips, perturbation_reach, rounding_errors, weight_errors

__all__ = [
    "AttackNorm",
    "Attribute",
    "Bound",
    "ClassRule",
    "ClassTradeoff",
    "Constraint",
    "EstimatedFrontier",
    "FlipBound",
    "FlipCurve",
    "Frontier",
    "GapVerdict",
    "Gaps",
    "GradientPath",
    "GroupMetrics",
    "HeldOutScores",
    "Kind",
    "LinearFront",
    "Result",
    "RobustClassifier",
    "StepFrontier",
    "TrustFront",
    "adversarial_regression_risk",
    "all_results",
    "base_rate_bound",
    "bound_flips",
    "budget_to_suboptimality",
    "certified_radius",
    "certify_gap",
    "descent_bound",
    "dp_regression_price",
    "dpd_interval",
    "dpd_null_bias",
    "embedded",
    "eod_interval",
    "estimated_frontier",
    "exact_test_size",
    "fair_bayes_frontier",
    "fairness_gap_bound",
    "flip_curve",
    "flow_against_ridge",
    "gaussian_class_tradeoff",
    "gaussian_group_metrics",
    "gaussian_regression_price",
    "gaussian_robust_classifier",
    "gaussian_robust_risk",
    "gd_path",
    "group_size_error_curve",
    "held_out_scores",
    "joint_error_lower_bound",
    "law_of_robustness",
    "linear_pareto_front",
    "linear_robust_error",
    "linear_trust_front",
    "lipschitz_constant",
    "max_bits",
    "min_group_n_lower",
    "min_group_size",
    "min_primal_dual_steps",
    "min_robust_error",
    "occam_kl_upper",
    "occam_width",
    "perturbation_reach",
    "plan_attack_steps",
    "primal_dual_violation",
    "pruning_errors",
    "reductions_calls",
    "results",
    "robust_flip_bound",
    "robust_sample_curve",
    "robust_sample_scaling",
    "robustness_scaling",
    "rounding_errors",
    "step_budget_floor",
    "step_budget_frontier",
    "vc_minimax_scaling",
    "weight_errors",
]
