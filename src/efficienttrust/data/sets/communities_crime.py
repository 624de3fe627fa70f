"""Communities and Crime (1990-1995): violent crimes per head of a community, a number to predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.data._bundled import DataSet, DatasetCard, data_sets
from efficienttrust.data._download import Fetch
from efficienttrust.data._official import official_file, opened
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

TABLE, ARCHIVE = "communities.data", "communities+and+crime.zip"
FILES = (TABLE, f"{TABLE}.gz", ARCHIVE)
COLUMNS = """
    state county community communityname fold population householdsize racepctblack racePctWhite racePctAsian
    racePctHisp agePct12t21 agePct12t29 agePct16t24 agePct65up numbUrban pctUrban medIncome pctWWage pctWFarmSelf
    pctWInvInc pctWSocSec pctWPubAsst pctWRetire medFamInc perCapInc whitePerCap blackPerCap indianPerCap AsianPerCap
    OtherPerCap HispPerCap NumUnderPov PctPopUnderPov PctLess9thGrade PctNotHSGrad PctBSorMore PctUnemployed PctEmploy
    PctEmplManu PctEmplProfServ PctOccupManu PctOccupMgmtProf MalePctDivorce MalePctNevMarr FemalePctDiv TotalPctDiv
    PersPerFam PctFam2Par PctKids2Par PctYoungKids2Par PctTeen2Par PctWorkMomYoungKids PctWorkMom NumIlleg PctIlleg
    NumImmig PctImmigRecent PctImmigRec5 PctImmigRec8 PctImmigRec10 PctRecentImmig PctRecImmig5 PctRecImmig8
    PctRecImmig10 PctSpeakEnglOnly PctNotSpeakEnglWell PctLargHouseFam PctLargHouseOccup PersPerOccupHous
    PersPerOwnOccHous PersPerRentOccHous PctPersOwnOccup PctPersDenseHous PctHousLess3BR MedNumBR HousVacant
    PctHousOccup PctHousOwnOcc PctVacantBoarded PctVacMore6Mos MedYrHousBuilt PctHousNoPhone PctWOFullPlumb
    OwnOccLowQuart OwnOccMedVal OwnOccHiQuart RentLowQ RentMedian RentHighQ MedRent MedRentPctHousInc MedOwnCostPctInc
    MedOwnCostPctIncNoMtg NumInShelters NumStreet PctForeignBorn PctBornSameState PctSameHouse85 PctSameCity85
    PctSameState85 LemasSwornFT LemasSwFTPerPop LemasSwFTFieldOps LemasSwFTFieldPerPop LemasTotalReq
    LemasTotReqPerPop PolicReqPerOffic PolicPerPop RacialMatchCommPol PctPolicWhite PctPolicBlack PctPolicHisp
    PctPolicAsian PctPolicMinor OfficAssgnDrugUnits NumKindsDrugsSeiz PolicAveOTWorked LandArea PopDens PctUsePubTrans
    PolicCars PolicOperBudg LemasPctPolicOnPatr LemasGangUnitDeploy LemasPctOfficDrugUn PolicBudgPerPop
    ViolentCrimesPerPop
"""
NAMES = COLUMNS.split()
NOT_PREDICTIVE = ("state", "county", "community", "communityname", "fold")
BLACK_ABOVE = 0.06
"""Value of racepctblack above which a community counts as black in the literature; about its median."""

CARD = DatasetCard(
    name="communities_crime",
    title="Communities and Crime",
    licence="CC BY 4.0, UCI Machine Learning Repository (Michael Redmond)",
    citation=(
        "Redmond, M. (2002). Communities and Crime. UCI Machine Learning Repository. https://doi.org/10.24432/C53W3X"
    ),
    origin="UCI Machine Learning Repository, data set 183: communities.data, without a header",
    what="A row is a community in the United States; predicted is its rate of violent crimes, a number from 0 to 1.",
    size="1,994 communities, 128 columns; 1 MB",
    groups=(f"race_group: black where racepctblack is above {BLACK_ABOVE}, other elsewhere; about half and half",),
    base_rates=("the label is a number from 0 to 1: the mean of each group is what is compared",),
    cleaning=(
        "the 128 columns get their names from communities.names; '?' means missing",
        f"dropped as not predictive, as communities.names says: {', '.join(NOT_PREDICTIVE)}",
        (
            f"race_group is derived from racepctblack (black above {BLACK_ABOVE}, Le Quy et al. 2022) for use as a "
            "sensitive attribute; it is not an input"
        ),
        "racePctWhite, racePctAsian and racePctHisp are no inputs unless given a role: they say the group again",
    ),
    traps=(
        (
            "every column is scaled to 0..1 by itself, so racepctblack .06 is not 6 % of the people, and the largest "
            "of the four race columns is not the largest group"
        ),
        "extreme values were cut at three standard deviations: the ends at 0 and 1 are heaps",
        "22 columns about the police are missing in 1,675 of the 1,994 communities (only large departments were asked)",
        "crimes are those reported by the police; communities whose counts of rapes were disputed are left out",
        "the group is of a community, not of a person: a gap between groups is one between places",
        "1,994 rows: intervals of group differences are wide",
    ),
    how_to_get=(
        "`efficienttrust data get communities_crime` downloads it (no account is needed)",
        f"or give a copy as communities_crime:PATH, the path of {TABLE}, of the zip archive, or their folder",
    ),
    fetch=Fetch(f"https://archive.ics.uci.edu/static/public/183/{ARCHIVE}", ARCHIVE),
)


def read(path: Path) -> pd.DataFrame:
    """Return the cleaned table."""
    import pandas as pd

    path = official_file(path, FILES)
    with opened(path, TABLE) as file:
        table = pd.read_csv(file, header=None, na_values=["?"], skipinitialspace=True)
    if len(table.columns) != len(NAMES):
        raise UsageError(
            f"{path} has {len(table.columns)} columns, {TABLE} of UCI has {len(NAMES)} and no header. "
            "Give the official file."
        )
    table.columns = pd.Index(NAMES)
    table = table.drop(columns=list(NOT_PREDICTIVE)).copy()  # in one block: else pandas warns of fragments
    black = table["racepctblack"]
    table["race_group"] = (black > BLACK_ABOVE).map({True: "black", False: "other"}).where(black.notna())
    return table


data_sets.register("communities_crime")(
    DataSet(
        card=CARD,
        label="ViolentCrimesPerPop",
        positive=None,
        sensitive=("race_group",),
        options=("race_group",),
        read=read,
        derived={"race_group": "racepctblack"},
        drop=("racePctWhite", "racePctAsian", "racePctHisp"),
        task="regression",
    )
)
