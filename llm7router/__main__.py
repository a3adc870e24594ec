"""`python -m llm7router`."""

from llm7router.cli import main

main(prog_name="llm7router")
