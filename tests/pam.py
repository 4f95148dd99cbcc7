"""An sshd that asks: PAM with questions of our own, in a mount namespace of its own.

The law of this file: the machine's own PAM is not touched. The folder /etc/pam.d is another one for
this server alone, and the module in it asks what a file says and compares the answers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sshd import Box

_UNSHARE = ["unshare", "--mount"]

needs_pam = pytest.mark.skipif(
    os.geteuid() != 0
    or not all(map(shutil.which, ("gcc", "unshare", "mount")))
    or subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False).returncode != 0,
    reason="a PAM of our own needs root, a compiler and mount namespaces",
)

_MODULE = """
#include <stdio.h>
#include <string.h>
struct message { int style; const char *text; };
struct response { char *text; int unused; };
struct conversation {
    int (*ask)(int, const struct message **, struct response **, void *);
    void *data;
};
extern int pam_get_item(const void *, int, const void **);
enum { HIDDEN = 1, REFUSED = 7, CONVERSATION = 5 };

/* Each line of the file: a question, a tab, the right answer. All are asked, whatever is answered. */
int pam_sm_authenticate(void *pam, int flags, int count, const char **words) {
    const struct conversation *them = 0;
    char line[4096];
    int wrong = 0;
    FILE *file = fopen(words[0], "r");
    if (!file || pam_get_item(pam, CONVERSATION, (const void **)&them) || !them) return REFUSED;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\\n")] = 0;
        char *right = strchr(line, '\\t');
        *right++ = 0;
        struct message question = {HIDDEN, line};
        const struct message *only = &question;
        struct response *said = 0;
        if (them->ask(1, &only, &said, them->data) || !said || !said->text) return REFUSED;
        wrong |= strcmp(said->text, right);
    }
    return wrong ? REFUSED : 0;
}
int pam_sm_setcred(void *pam, int flags, int count, const char **words) { return 0; }
"""


def ask(box: Box, **questions: str) -> None:
    """Its logins must answer these questions, one after the other; nothing else lets them in."""
    folder = box.folder / "pam.d"
    folder.mkdir()
    source, module, lines = (box.folder / name for name in ("pam.c", "pam.so", "questions"))
    source.write_text(_MODULE)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(module), str(source)], check=True)
    lines.write_text("".join(f"{name}: \t{right}\n" for name, right in questions.items()))
    (folder / "sshd").write_text(
        f"auth required {module} {lines}\naccount required pam_permit.so\n"
        "session required pam_permit.so\n"
    )
    hidden = f'mount --bind {folder} /etc/pam.d && exec "$@"'
    box.within = [*_UNSHARE, "sh", "-c", hidden, "sh"]
    box.lets_in = "UsePAM yes\nKbdInteractiveAuthentication yes\n"
    box.lets_in += "AuthenticationMethods keyboard-interactive\n"
    box.methods = "keyboard-interactive"
