"""`python -m efficienttrust` is the `efficienttrust` command; `torchrun -m efficienttrust` starts it in processes."""

from efficienttrust.cli.main import run

if __name__ == "__main__":
    run()
