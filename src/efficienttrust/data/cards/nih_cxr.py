"""NIH ChestX-ray14: frontal chest films of the NIH Clinical Center, 1992 to 2015."""

from __future__ import annotations

from efficienttrust.data._cards import DatasetCard, dataset_cards

CARD = dataset_cards.register("nih_cxr")(
    DatasetCard(
        name="nih_cxr",
        title="NIH ChestX-ray14 (release v2020)",
        licence="no restriction on use; acknowledge the NIH Clinical Center and cite the paper",
        citation=(
            "Wang, X. et al. (2017). ChestX-ray8: hospital-scale chest X-ray database and benchmarks on "
            "weakly-supervised classification and localization of common thorax diseases. CVPR. "
            "https://arxiv.org/abs/1705.02315"
        ),
        origin="NIH Clinical Center; your own copy is read, nothing is downloaded or bundled",
        originals={"Data_Entry_2017_v2020.csv": "dc1d2df67fdc1c5a7601d48699cda2b13dc2c4841488b4183dcf04884dbaca11"},
        what="A row is a frontal chest film; predicted is whether one of 14 findings is there, by default No Finding.",
        size="112,120 films of 30,805 patients, 1024x1024 grey PNG, 42 GB in 12 archives",
        groups=(
            "sex: Female 48,780, Male 63,340",
            "age in years, in bands between its quartiles (34, 49 and 59 over all films)",
            "view: AP 44,810, PA 67,310",
            "race is not told",
        ),
        base_rates=(
            "No Finding .538; sex: Female .542, Male .536; view: AP .470, PA .584",
            "Effusion .119; sex: Female .121, Male .117; view: AP .150, PA .098",
            "Pneumonia .013; sex: Female .012, Male .013; view: AP .018, PA .009",
        ),
        cleaning=(
            "findings are the whole names between bars in Finding Labels; one not named counts as 0",
            "films of train_val_list.txt are the train part, those of test_list.txt the test part",
            "?split=patients ignores the lists, which are not needed then",
            "ages beyond 120 are missing",
            "grey, scaled to 128x128; ?size=224. ?view=ap, pa keeps one view",
            "a copy of pixels (a .npz beside its labels.csv) is read as it is, without official splits",
        ),
        traps=(
            "labels were mined from reports by a program, and the reports are not released",
            "AP films are of patients who cannot stand: the view tells of the label; look at view as a group too",
            "many films with Pneumothorax show the drain that treats it: a model may find the drain",
            "No Finding is positive for the healthy: a higher false positive rate of a group is more missed illness",
            "a patient has up to 184 films: they are one unit in every split",
        ),
        how_to_get=(
            "open https://nihcc.app.box.com/v/ChestXray-NIHCC.",
            "download Data_Entry_2017_v2020.csv, train_val_list.txt, test_list.txt and images_*.tar.gz.",
            "unpack the archives into one folder as images/ or images_*/images/; give it: nih_cxr:FOLDER.",
        ),
        clinical=True,
    )
)
