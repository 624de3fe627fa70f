"""The command line: one verb a file, no logic.

A verb reads its options, calls one function of a lower floor and prints what came back: tables for people, or one
JSON document on stdout with `--json`. Progress and logs go to stderr. Exit codes: 0 done, 1 a target missed with
`--strict` or a verdict that could not be confirmed, 2 wrong usage or input (one line: what, where, what to do),
3 infeasible, 130 interrupted. Heavy libraries are imported inside the verbs, so that `--help` and a misspelt option
answer at once.

Example:
    ```bash
    efficienttrust data list
    ```
"""
