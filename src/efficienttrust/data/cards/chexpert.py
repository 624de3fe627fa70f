"""CheXpert v1.0: chest films of Stanford Hospital, 2002 to 2017."""

from __future__ import annotations

from efficienttrust.data._cards import DatasetCard, dataset_cards

CARD = dataset_cards.register("chexpert")(
    DatasetCard(
        name="chexpert",
        title="CheXpert v1.0 (small and full)",
        licence="Stanford University Dataset Research Use Agreement: research only, not to be passed on",
        citation=(
            "Irvin, J. et al. (2019). CheXpert: a large chest radiograph dataset with uncertainty labels and expert "
            "comparison. AAAI. https://arxiv.org/abs/1901.07031"
        ),
        origin="Stanford AIMI; your own copy is read, nothing is downloaded or bundled",
        what="A row is a chest film; predicted is whether one of 14 findings is there, by default No Finding.",
        size=(
            "224,316 films of 65,240 patients as published: 223,414 in train.csv, 234 in valid.csv (the official test "
            "films are not in the release); about 11 GB small, 440 GB full"
        ),
        groups=(
            "sex: Female, Male (from train.csv and valid.csv)",
            "age in years, in bands between its quartiles (90 stands for everybody older)",
            "race: Asian, Black, Hispanic, White, Other (from the table of demographics, which is downloaded apart)",
            "view: AP, PA, lateral",
        ),
        base_rates=(
            "not recounted here, as no copy was at hand",
            "as published, of 187,641 training studies: No Finding .089; Pleural Effusion .403, and .050 uncertain",
        ),
        cleaning=(
            "a path is read relative to the folder of train.csv: its first part names that folder in the release",
            "blank (not mentioned in the report) counts as 0",
            "uncertain (-1) counts as 0; ?uncertain=ones counts it as 1, ?uncertain=ignore leaves the film out",
            "frontal films only (AP and PA); ?view=ap, pa, all",
            "films of valid.csv are the test part, all others train; ?split=patients ignores that",
            "PRIMARY_RACE becomes five groups by its words, White before Hispanic; Unknown and Refused are missing",
            "grey, scaled to 128x128 whatever the proportions; ?size=224",
        ),
        traps=(
            "labels of train.csv were mined from reports by a program, those of valid.csv are by radiologists",
            "valid.csv has 202 frontal films: too few to compare groups",
            "AP films are of patients who cannot stand: the view tells of the label; look at view as a group too",
            "No Finding is positive for the healthy: a higher false positive rate of a group is more missed illness",
            "a patient has several films: they are one unit in every split",
        ),
        how_to_get=(
            "register with Stanford AIMI (https://aimi.stanford.edu) and accept the agreement.",
            "unpack CheXpert-v1.0-small.zip; give the folder: chexpert:CheXpert-v1.0-small.",
            "for race, download CHEXPERT DEMO.xlsx from Stanford AIMI.",
            "place it in that folder or beside it, or name it with ?demographics=PATH (.xlsx or .csv).",
        ),
        clinical=True,
    )
)
