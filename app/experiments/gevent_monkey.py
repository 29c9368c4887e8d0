"""
id = "gevent-monkey"
topic = "gevent"
order = 125
source = "课程示例 func1 / func2，把 gevent.sleep 换成 time.sleep · the course's func1 and func2 with time.sleep in the place of gevent.sleep"
time_limit_s = 30

[title]
zh = "猴子补丁：time.sleep 也会让出"
en = "Monkey patching: time.sleep yields too"

[note]
zh = "普通的库不认识 gevent：time.sleep 阻塞整个线程，hub 也在这个线程里，于是两个函数只能一先一后。monkey.patch_all() 在运行时把标准库里会阻塞的函数（time.sleep、socket、threading、select 等）换成 gevent 的版本：调用者登记一个定时器或描述符，把控制权交还给 hub。函数的代码一个字也没有改。补丁要打在最前面：此前已经 from time import sleep 的模块，手里拿的仍是原来的函数；C 扩展自己做的阻塞调用也换不掉。"
en = "Ordinary libraries know nothing of gevent. time.sleep blocks the whole thread, the hub lives in that thread, and so the two functions run one after the other. monkey.patch_all() replaces the blocking functions of the standard library (time.sleep, socket, threading, select …) with gevent's at run time: the caller sets a timer or watches a descriptor and hands control back to the hub. Not a word of the two functions changes. Patch first of all: a module that has already said from time import sleep keeps the original, and a blocking call made inside a C extension cannot be replaced."

[shows]
zh = "greenlet 里的 time.sleep：打补丁之前和之后"
en = "time.sleep inside greenlets: before patching and after"

[question]
text = { zh = "两个 greenlet 里写的是 time.sleep(2) 和 time.sleep(1)，没有打补丁。会怎样？", en = "The two greenlets call time.sleep(2) and time.sleep(1), and nothing is patched. What happens?" }
answers = [
    { zh = "等待重叠，共 2 秒", en = "The waits overlap, 2 s in all" },
    { zh = "函数1 做完才轮到函数2，共 3 秒", en = "Function 2 starts only when function 1 has finished, 3 s in all" },
    { zh = "每 5 毫秒切换一次，共 3 秒", en = "They switch every 5 ms, 3 s in all" },
    { zh = "报错：greenlet 里不能调用 time.sleep", en = "An error: time.sleep cannot be called in a greenlet" },
]
correct = 1
explanation = { zh = "greenlet 只在把控制权交还给 hub 时才切换，而 time.sleep 不认识 hub，它让整个线程睡着。打了补丁，同样的 time.sleep 就是 gevent.sleep，共 2 秒。", en = "A greenlet switches only where it hands control to the hub. time.sleep knows no hub: it puts the whole thread to sleep. Once patched, the same time.sleep is gevent's, and it takes 2 s in all." }
when = { variant = "unpatched" }

[[parameters]]
name = "variant"
kind = "choice"
default = "unpatched"
choices = ["unpatched", "patched"]
labels = { unpatched = { zh = "没有打", en = "no" }, patched = { zh = "打了 monkey.patch_all()", en = "yes: monkey.patch_all()" } }
title = { zh = "猴子补丁", en = "Patched" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["函数1 第一步", "函数1 第二步", "函数2 第一步", "函数2 第二步"] }
when = { variant = "unpatched" }
says = { zh = "函数1 做完，函数2 才开始", en = "function 2 began only when function 1 had finished" }

[[expected]]
check = "stall"
arguments = { least_s = 1.5, named = "func2" }
when = { variant = "unpatched" }
says = { zh = "函数1 睡着的 2 秒里，函数2 已就绪却不能运行", en = "function 2 was ready for the 2 s that function 1 slept, and could not run" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["函数1 第一步", "函数2 第一步", "函数2 第二步", "函数1 第二步"] }
when = { variant = "patched" }
says = { zh = "两个函数交替前进，函数2 先做完", en = "the two functions took turns, and function 2 was done first" }

[[expected]]
check = "as_long_as_the_longest"
arguments = { kind = "greenlet", named = "func", state = "waiting:timer" }
when = { variant = "patched" }
says = { zh = "两段等待重叠", en = "the two waits overlapped" }

[[runs]]
title = { zh = "没有补丁：一先一后", en = "Unpatched: one after the other" }
parameters = { variant = "unpatched" }

[[runs]]
title = { zh = "有补丁：等待重叠", en = "Patched: the waits overlap" }
parameters = { variant = "patched" }
"""

import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--variant", choices=["unpatched", "patched"], default="unpatched")

if parser.parse_args().variant == "patched":
    from gevent import monkey

    monkey.patch_all()  # before anything else is imported

import time

import gevent

RED, GREEN, PLAIN = "\033[31m", "\033[32m", "\033[0m"


def func1():
    print(f"{RED}函数1 第一步{PLAIN}")
    time.sleep(2)
    print(f"{RED}函数1 第二步{PLAIN}")


def func2():
    print(f"{GREEN}函数2 第一步{PLAIN}")
    time.sleep(1)
    print(f"{GREEN}函数2 第二步{PLAIN}")


start = time.perf_counter()
gevent.joinall([gevent.spawn(func1), gevent.spawn(func2)])
print(f"{time.perf_counter() - start:.1f} s")
