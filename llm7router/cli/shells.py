"""The scripts with which shells ask for completions: click's, where those leave something to be desired.

Model ids hold colons (`openrouter/.../...:free`) and options may be written `--only=groq`. Bash takes both apart into
words of their own, zsh puts the answer in place of the option too, and fish wants the option in the answer.
"""

from __future__ import annotations

import os

from click.shell_completion import (
    BashComplete,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)


def _with(template: str, *changes: tuple[str, str]) -> str:
    """The script with all changes, or as it is if another release of click has another one."""
    if any(template.count(old) != 1 for old, _ in changes):
        return template
    for old, new in changes:
        template = template.replace(old, new)
    return template


class Bash(BashComplete):
    """Sends the line up to the cursor in place of bash's own words, and answers with what bash still wants."""

    source_template = _with(
        BashComplete.source_template,
        (
            "    local response\n",
            "    local response completion type value line=${COMP_LINE:0:COMP_POINT} typed\n"
            '    typed=${line##*[[:space:]]}; typed=${typed#--*=}; typed=${typed%%"${typed##*:}"}\n'
            "    [[ $COMP_WORDBREAKS == *:* ]] || typed=\n",
        ),
        ('COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD', 'COMP_WORDS="$line"'),
        ("COMPREPLY+=($value)", 'COMPREPLY+=("${value#"$typed"}")'),
    )

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is begun, and that one."""
        if "COMP_CWORD" in os.environ:  # click's script asks
            return super().get_completion_args()
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)
        begun = words.pop() if words and not line[-1:].isspace() else ""
        return words[1:], begun


class Zsh(ZshComplete):
    """Completes the value of `--option=value` and leaves the option."""

    source_template = _with(
        ZshComplete.source_template,
        (
            "    for type key descr in",
            "    [[ ${words[CURRENT]} == --*=* ]] && compset -P 1 '*='\n\n    for type key descr in",
        ),
        ("compadd -U -V", 'compadd -U -i "$IPREFIX" -V'),
    )


class Fish(FishComplete):
    """Answers with `--option=value` if that was begun, and keeps commas in what explains a completion."""

    source_template = _with(
        FishComplete.source_template,
        ('string split ","', 'string split --max 1 ","'),
        ("            echo $metadata[2];", '            echo "$typed$metadata[2]";'),
        (
            "    for completion in $response;",
            "    set -l typed (string match --regex -- '^--[^=]+=' (commandline -t));\n\n"
            "    for completion in $response;",
        ),
    )


SHELLS: dict[str, type[ShellComplete]] = {each.name: add_completion_class(each) for each in (Bash, Zsh, Fish)}
