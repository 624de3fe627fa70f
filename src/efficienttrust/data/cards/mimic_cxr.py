"""MIMIC-CXR-JPG 2: chest films of Beth Israel Deaconess Medical Center, 2011 to 2016."""

from __future__ import annotations

from efficienttrust.data._cards import DatasetCard, dataset_cards

CARD = dataset_cards.register("mimic_cxr")(
    DatasetCard(
        name="mimic_cxr",
        title="MIMIC-CXR-JPG 2.0.0",
        licence="PhysioNet Credentialed Health Data License: named users after training, not to be passed on",
        citation=(
            "Johnson, A. et al. (2019). MIMIC-CXR-JPG, a large publicly available database of labeled chest "
            "radiographs. https://arxiv.org/abs/1901.07042"
        ),
        origin="PhysioNet; your own copy is read, nothing is downloaded or bundled, nothing leaves the machine",
        what="A row is a chest film; predicted is whether one of 14 findings is there, by default No Finding.",
        size="377,110 films of 227,827 studies as published (JPEG, about 560 GB)",
        groups=(
            "sex: Female, Male (MIMIC-IV hosp/patients)",
            "age in the year of the film, in bands between its quartiles (MIMIC-IV hosp/patients)",
            "race: Asian, Black, Hispanic, White, Other (MIMIC-IV hosp/admissions)",
            "view: AP, PA, lateral",
        ),
        base_rates=("not recounted here, as no copy was at hand",),
        cleaning=(
            "labels of a study are those of all of its films; a study without labels mentions nothing",
            "blank (not mentioned in the report) counts as 0",
            "uncertain (-1) counts as 0; ?uncertain=ones counts it as 1, ?uncertain=ignore leaves the film out",
            "labels of the CheXpert program; ?labels=negbio takes those of NegBio",
            "frontal films only (ViewPosition AP or PA); ?view=ap, pa, all",
            "official parts train, validate and test; ?split=patients ignores them",
            "age is anchor_age + year of StudyDate - anchor_year; beyond 120 it is missing",
            "race is the most frequent known one of the patient's admissions; of equals, the earlier admission's",
            "race becomes five groups by its words, White before Hispanic; unknown, declined, unable are missing",
            "grey, scaled to 128x128 whatever the proportions; ?size=224",
        ),
        traps=(
            "labels were mined from reports by a program: for training; 1 and 0 of the test part are mined too",
            "the official test part is of patients whose reports were read for other studies: it is no random draw",
            "people without an admission have no race: how many is in the notes, and they are in no group",
            "MIMIC-IV writes 91 for everybody over 89",
            "AP films are of patients who cannot stand: the view tells of the label; look at view as a group too",
            "No Finding is positive for the healthy: a higher false positive rate of a group is more missed illness",
        ),
        how_to_get=(
            "become a credentialed user of PhysioNet and sign for MIMIC-CXR-JPG 2.0.0 and MIMIC-IV 2.0 or later.",
            "give the folder with files/ and mimic-cxr-2.0.0-*.csv.gz: mimic_cxr:mimic-cxr-jpg/2.0.0.",
            "for sex, age and race: hosp/patients.csv.gz and hosp/admissions.csv.gz of MIMIC-IV.",
            "place them beside it, as mimiciv/2.2/hosp, or name the folder around hosp/ with ?mimic_iv=PATH.",
        ),
        clinical=True,
    )
)
