"""The sections of the report of a study, one module each; a section without material is left out or says why."""
