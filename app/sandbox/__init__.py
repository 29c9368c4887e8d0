"""Launch an untrusted script, hold its limits, tell how it ended, leave nothing behind.

limits.py    the numbers                      seccomp.py  the system calls it does not get
runtime.py   what of the host it sees         stage.py    our first process inside the sandbox
command.py   bubblewrap's arguments           launch.py   starts and owns it: a Target for the recorder
enter.py     from fork to bubblewrap          usage.py    what it uses, look by look
cgroup.py    a control group, where possible  outcome.py  how it ended, in words
check.py     does this machine hold all of that?
"""
